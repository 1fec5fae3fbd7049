// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO

extension RolloutInspection {
  /// The report as text.
  package func text(style: TerminalStyle = TerminalStyle()) -> String {
    var page = Page(style)
    writeSummary(&page)
    guard records > 0 else { return page.text }
    writeGroups(&page)
    writeReward(&page)
    writeParts(&page)
    writeAdvantage(&page)
    writeResponses(&page)
    writeFields(&page)
    writeNext(&page)
    return page.text
  }

  private static let labelWidth = 11

  private func writeSummary(_ page: inout Page) {
    let style = page.style
    page.heading(files.map(style.safe).joined(separator: ", "))
    let size = counts.bytes > 0 ? ", " + NumberText.bytes(counts.bytes) : ""
    page.line(
      "  " + NumberText.count(records, "record") + " in " + NumberText.count(groups.sizes.count, "group")
        + size)
    if records > 0 {
      let perStep = steps.recordsPerStep
      let even = perStep.least == perStep.greatest
      let each = even ? NumberText.short(perStep.least) : range(perStep.least, perStep.greatest, style)
      let noun = NumberText.count(steps.count, steps.noun)
      page.line("  " + noun + (steps.count == 1 ? "" : ", \(each) records each"))
    }
    if counts.nonFiniteRecords > 0 {
      page.notice(
        "\(NumberText.count(counts.nonFiniteRecords, "record")) with a bare NaN or Infinity, which counts as no value"
      )
    }
    if records == 0, badRecords.count == 0 {
      page.notice("There is nothing in it; check that the right file was named.")
    }
    guard badRecords.count > 0 else { return }
    page.notice(
      "\(NumberText.count(badRecords.count, "bad record")) cannot be used and \(badRecords.count == 1 ? "is" : "are") left out:"
    )
    for entry in badRecords.entries.sorted(by: { $0.count > $1.count }).prefix(8) {
      let place = "line \(NumberText.count(entry.first.location.line))"
      page.row(
        TextWidth.right(NumberText.count(entry.count), 7),
        style.safe(entry.text) + (entry.count == 1 ? " (\(place))" : " (first: \(place))"), labelWidth: 7)
    }
    if badRecords.entries.count > 8 {
      page.remark("… and \(badRecords.entries.count - 8) more reasons; --json lists them")
    }
  }

  private func writeGroups(_ page: inout Page) {
    page.heading("Groups")
    let sizes = groups.sizes.sortedCells
    if sizes.count == 1, let only = sizes.first {
      page.line("  every group has \(NumberText.count(Int(only.value), "rollout"))")
    } else {
      if sizes.count <= 10 {
        page.bars(
          sizes.map { (NumberText.count(Int($0.value), "rollout"), $0.count) }, whole: groups.sizes.count)
      } else {
        page.histogram(groups.sizes, limit: 10, unit: " rollouts")
      }
      page.notice(
        "Group sizes differ: rollouts may have been lost, or groups of several exports may share a name.")
    }
    guard groups.comparable > 0 else { return }
    let zero = groups.sharedRewards.count
    let right = groups.allRight(from: rightThreshold)
    let share = NumberText.percent(zero, of: groups.comparable)
    page.row(
      "no contrast",
      zero == 0
        ? "none: in every group of two rewards or more, rewards differ"
        : "\(NumberText.count(zero)) of \(NumberText.count(groups.comparable, "group")) (\(share)): all rewards equal, so all advantages are 0; "
          + "\(NumberText.count(right)) all right, \(NumberText.count(zero - right)) all wrong "
          + "(right: reward \(page.style.sign("≥", ">=")) \(NumberText.short(rightThreshold)))",
      labelWidth: Self.labelWidth)
    if groups.duplicates > 0 {
      page.row(
        "duplicates",
        "\(NumberText.count(groups.duplicates, "response")) (\(NumberText.percent(groups.duplicates, of: records))) "
          + "\(groups.duplicates == 1 ? "repeats another" : "repeat others") of the same group to the letter, in "
          + NumberText.count(groups.withDuplicates, "group"),
        labelWidth: Self.labelWidth)
    } else if count(of: .response) > 0 {
      page.row("duplicates", "none: no response repeats another of its group", labelWidth: Self.labelWidth)
    }
  }

  private func writeReward(_ page: inout Page) {
    page.heading("Reward", page.moments(rewards))
    let without = records - rewards.count
    if rewards.count == 0 { return page.remark("no record has a reward") }
    page.distribution(rewards, limit: 10)
    if without > 0 {
      page.notice(
        "\(NumberText.count(without, "record")) (\(NumberText.percent(without, of: records))) without a reward"
      )
    }
    if rewardStatuses.entries.contains(where: { $0.name != RewardStatus.scored.rawValue }) {
      page.row("status", list(rewardStatuses, page.style), labelWidth: Self.labelWidth)
    }
    if steps.count > 2 {
      let (points, stride) = steps.rewardCurve(limit: page.style.columns - 40)
      let known = points.compactMap { $0 }
      if let low = known.min(), let high = known.max() {
        let curve = Drawing.columns(points, range: low...high, page.style)
        let label = stride == 1 ? "by \(steps.noun)" : "by \(stride) \(steps.isNamed ? "steps" : "batches")"
        page.line(
          "  " + TextWidth.left(label, Self.labelWidth) + "  " + page.style.paint(curve, .bar) + "  "
            + "mean " + range(low, high, page.style))
      }
    }
  }

  private func writeParts(_ page: inout Page) {
    guard !partNames.entries.isEmpty else { return }
    page.heading("Reward parts")
    let style = page.style
    let names = partNames.entries.map { TextWidth.fit(style.safe($0.name), 24, style) }
    let nameWidth = max(Self.labelWidth, names.map(TextWidth.columns).max() ?? 0)
    let head = ["mean", "std", "min", "max", "missing"].map { TextWidth.right($0, 9) }.joined()
    let room = min(24, style.columns - nameWidth - 2 - 45 - 2)
    let curve = room >= 8 ? "  " + style.sign("min … max", "min .. max") : ""
    page.line("  " + style.paint(TextWidth.left("", nameWidth) + head + curve, .quiet))
    for (index, tally) in parts.enumerated() {
      let missing = records - tally.count
      let cells = [
        NumberText.short(tally.plainMean, digits: 3),
        tally.standardDeviation.map { NumberText.short($0, digits: 3) } ?? "-",
        NumberText.short(tally.least, digits: 3), NumberText.short(tally.greatest, digits: 3),
        missing == 0 ? "-" : NumberText.percent(missing, of: records),
      ].map { TextWidth.right($0, 9) }.joined()
      let drawn = room >= 8 ? "  " + style.paint(Drawing.counts(tally.evenBins(room), style), .bar) : ""
      page.line("  " + TextWidth.left(names[index], nameWidth) + cells + drawn)
    }
    if partNames.others > 0 { page.remark("and more parts than the 64 shown") }
  }

  private func writeAdvantage(_ page: inout Page) {
    guard advantages.count > 0 else { return }
    page.heading("Advantage", page.moments(advantages))
    page.distribution(advantages, limit: 12)
    page.row(
      "collapsed",
      collapsed == 0
        ? "none has |A| < 0.1"
        : "\(NumberText.percent(collapsed, of: advantages.count)) have |A| < 0.1 and hardly teach anything",
      labelWidth: Self.labelWidth)
    let without = records - advantages.count
    if without > 0 { page.notice("\(NumberText.count(without, "record")) without an advantage") }
  }

  private func writeResponses(_ page: inout Page) {
    let (unit, lengths) = lengths.chosen
    guard lengths.count > 0 else {
      page.heading("Responses")
      return page.remark("no record has a response or tokens")
    }
    let remark = [0.05, 0.5, 0.95].map { lengths.quantile($0).map { NumberText.short($0) } ?? "-" }
    page.heading(
      "Response length",
      "in \(unit): 5 % \(remark[0]), median \(remark[1]), 95 % \(remark[2]), longest \(NumberText.short(lengths.greatest))"
    )
    page.histogram(lengths, limit: 10)
    if self.lengths.unusedTokens > 0 {
      page.remark(
        "\(NumberText.count(self.lengths.unusedTokens, "record")) also have tokens; the others do not, hence characters"
      )
    }
    if !finishes.entries.isEmpty {
      let unknown = records - count(of: .finish)
      page.row(
        "finish", list(finishes, page.style) + (unknown > 0 ? ", not said \(NumberText.count(unknown))" : ""),
        labelWidth: Self.labelWidth)
    }
  }

  private func writeFields(_ page: inout Page) {
    page.heading("Fields")
    let style = page.style
    let ordered = fields.entries.sorted { ($0.count, $1.name) > ($1.count, $0.name) }
    let everywhere = fields.entries.filter { $0.count == records }.map { style.safe($0.name) }
    if !everywhere.isEmpty {
      page.row("in all", everywhere.joined(separator: ", "), labelWidth: Self.labelWidth)
    }
    let partly = ordered.filter { $0.count < records }.map {
      style.safe($0.name) + " " + NumberText.percent($0.count, of: records)
    }
    if !partly.isEmpty { page.row("in some", partly.joined(separator: ", "), labelWidth: Self.labelWidth) }
    if fields.others > 0 { page.remark("and more keys than the 64 shown") }
    let lacking = missing.filter { $0.count > 0 }.map {
      $0.count == records ? "\($0.name) in all" : "\($0.name) in \(NumberText.percent($0.count, of: records))"
    }
    page.row(
      "missing",
      lacking.isEmpty ? "none of prompt, response, answer, images" : lacking.joined(separator: ", "),
      labelWidth: Self.labelWidth)
  }

  private func writeNext(_ page: inout Page) {
    guard !stages.isEmpty else { return }
    page.heading("Ready for")
    let style = page.style
    let width = max(Self.labelWidth, readiness.map { TextWidth.columns($0.stage) }.max() ?? 0)
    for (stage, missing) in readiness {
      let mark =
        missing.isEmpty ? style.paint(style.sign("✓", "+"), .good) : style.paint(style.sign("✗", "-"), .quiet)
      let what = missing.map { field in
        let count = records - count(of: field)
        return "\(field)" + (count == records ? "" : " in \(NumberText.count(count, "record"))")
      }
      page.line(
        "  " + mark + " " + TextWidth.left(style.safe(stage), width)
          + (missing.isEmpty ? "" : "  " + style.paint("lacks " + what.joined(separator: ", "), .quiet)))
    }
  }

  private func list(_ names: NameTally, _ style: TerminalStyle) -> String {
    let shown = names.entries.sorted { $0.count > $1.count }.map {
      "\(style.safe($0.name)) \(NumberText.count($0.count)) (\(NumberText.percent($0.count, of: records)))"
    }
    return (shown + (names.others > 0 ? ["others \(NumberText.count(names.others))"] : [])).joined(
      separator: ", ")
  }

  private func range(_ low: Double, _ high: Double, _ style: TerminalStyle) -> String {
    NumberText.short(low) + " to " + NumberText.short(high)
  }
}
