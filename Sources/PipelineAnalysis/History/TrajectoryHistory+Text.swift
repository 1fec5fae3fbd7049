// SPDX-License-Identifier: Apache-2.0
import PipelineCore

extension TrajectoryHistory {
  /// The history as text.
  package func text(style: TerminalStyle = TerminalStyle()) -> String {
    var page = Page(style)
    let name = style.safe(id)
    if steps.count == 1, let only = steps.first {
      page.heading("\(name) in step \(only.step): \(Self.verdict(only))")
    } else if !steps.isEmpty {
      let trained = steps.count { $0.timesTrainedOn > 0 }
      page.heading(
        "\(name) was in \(NumberText.count(steps.count, "step")), trained on in \(NumberText.count(trained)) of them"
          + (timesTrainedOn == trained ? "" : ", \(NumberText.times(timesTrainedOn)) in all"))
    } else {
      page.heading("\(name) never reached a stage: its record could not be used")
    }
    for record in badRecords {
      page.notice("\(style.safe(record.location.description)): \(style.safe(record.reason))")
    }
    for step in steps {
      if steps.count > 1 { page.heading("Step \(step.step): \(Self.verdict(step))") }
      let chapters = StepStory(step, style).chapters
      let rollout = glances[step.step]?.rows(limit: 2000) ?? []
      let titles = rollout.map(\.label) + chapters.map { style.safe($0.title) }
      let width = min(24, titles.map(TextWidth.columns).max() ?? 0)
      for row in rollout { page.row(row.label, style.safe(row.text), labelWidth: width) }
      for chapter in chapters {
        page.row(
          TextWidth.fit(style.safe(chapter.title), width, style), chapter.text, labelWidth: width,
          role: chapter.isEnd ? .notice : nil)
      }
    }
    for name in unexplained {
      page.notice(
        "the stage '\(style.safe(name))' uses a component that is not here; with --plugin LIBRARY it can say what it did"
      )
    }
    return page.text
  }

  private static func verdict(_ step: Step) -> String {
    switch (step.entry.outcome, step.timesTrainedOn) {
    case (.dropped(let stage, _), _): "not trained on, dropped by \(stage)"
    case (.kept, 0): "kept, but drawn into no minibatch"
    case (.kept, let times): "trained on \(NumberText.times(times))"
    }
  }
}
