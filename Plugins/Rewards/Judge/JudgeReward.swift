// SPDX-License-Identifier: Apache-2.0
import Foundation
package import ModelServers
package import PipelineCore
import Synchronization

/// The score that a model behind a server gives a response.
///
/// The model is asked with a text made from ``Options/prompt`` for each trajectory, at temperature 0 unless set otherwise, and
/// what it says is read as ``Options/score`` says. Where there is nothing to read, or it lies beyond the scale, the
/// reward abstains: no guess is made. The same question is asked once, in a run and in what is resumed of it.
package struct JudgeReward: BatchRewardFunction {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "judge", summary: "The score, 0 to 1, that a model behind an OpenAI-compatible server gives the response")

  /// Whether the judge sees the prompt's images.
  package enum Images: String, Codable, Sendable, CaseIterable {
    /// It does not.
    case omit
    /// It does.
    case send
  }

  /// What a spec can set.
  package struct Options: ComponentOptions {
    package var url = ""
    package var model = ""
    package var keyFrom = ""
    package var prompt = """
      Judge an answer to a question.

      Question:
      {prompt}

      The right answer:
      {answer}

      The answer to judge:
      {response}

      How good is it, from 0 for wrong to 10 for right? Give your reasons in a sentence, then end with a line such as
      Score: 7
      """
    package var images = Images.omit
    package var score = ScoreReading.lastNumber
    package var worst = 0.0
    package var best = 10.0
    package var sampling = Options.careful
    package var concurrency = 32
    package var timeoutSeconds = 600.0
    package var retries = 8
    package var backoffSeconds = 1.0
    package var cache = CacheFile.auto
    package var extra = OptionTree.empty

    private static let careful: SamplingOptions = {
      var sampling = SamplingOptions()
      (sampling.temperature, sampling.maxTokens) = (0, 512)
      return sampling
    }()

    /// No server yet.
    package init() {}

    /// What each option means.
    package static let help = ServerOptions.help.merging(
      [
        "prompt":
          "what the judge is asked; {prompt}, {response}, {answer} and any other field's name in braces stand for the "
          + "record's",
        "images": "whether the judge sees the prompt's images (send) or not (omit)",
        "score":
          "how its answer is read: last-number, {\"pattern\": \"Score: ([0-9.]+)\"}, whose last match counts, or "
          + "{\"member\": \"score\"} of the last JSON object in it",
        "worst": "the number that makes a score of 0",
        "best": "the number that makes a score of 1; a number beyond the two is no verdict",
        "sampling": "how the judge's tokens are drawn",
      ]) { own, _ in own }

    /// What is wrong with the values.
    package func problems() -> [OptionProblem] {
      var problems = server.problems()
      if !JudgePrompt(prompt).fields.contains(.response) {
        problems.append(
          OptionProblem("prompt", "does not hold {response}, so that the judge would see nothing to judge"))
      }
      if let problem = score.problem { problems.append(OptionProblem("score", problem)) }
      if !(worst.isFinite && best.isFinite && worst != best) {
        problems.append(OptionProblem("best", "is \(best), it must be finite and differ from 'worst', \(worst)"))
      }
      return problems
    }

    var server: ServerOptions {
      ServerOptions(
        url: url, model: model, keyFrom: keyFrom, concurrency: concurrency, timeoutSeconds: timeoutSeconds,
        retries: retries, backoffSeconds: backoffSeconds, cache: cache, extra: extra)
    }
  }

  private let options: Options
  private let folder: String
  private let prompt: JudgePrompt
  private let client = OpenedOnce<ChatClient>()

  /// Makes the reward; nothing is asked yet.
  package init(options: Options = Options(), assembly: Assembly) {
    (self.options, folder) = (options, assembly.folder)
    prompt = JudgePrompt(options.prompt)
  }

  /// The fields that the prompt names.
  package var reads: Set<Field> { prompt.fields.union(options.images == .send ? [.prompt] : []) }

  /// Asks for a verdict on each.
  ///
  /// - Throws: What makes every request fail: no key, no such model, a server that is not there.
  package func scores(
    of trajectories: [Trajectory], in context: StageContext
  ) async throws -> [Result<RewardOutcome, any Error>] {
    if trajectories.isEmpty { return [] }
    let client = try client.open {
      try ChatClient(
        options.server, cachePath: options.cache.path(in: folder, cacheFolder: context.cacheFolder, name: Self.name),
        environment: ProcessInfo.processInfo.environment)
    }
    let questions = trajectories.map { trajectory in Result { try question(about: trajectory) } }
    // The same question is asked once, however often it comes.
    let different = Set(questions.compactMap { try? $0.get() })
    let judged = JudgedCount(of: different.count, context.training.progressed)
    let verdicts = try await withThrowingTaskGroup(of: (Question, Result<RewardOutcome, any Error>).self) { tasks in
      for question in different {
        tasks.addTask {
          (question, try await verdict(question, client, context.media) { judged.note($0) })
        }
      }
      var verdicts: [Question: Result<RewardOutcome, any Error>] = [:]
      for try await (question, verdict) in tasks {
        verdicts[question] = verdict
        judged.set(verdicts.count)
      }
      return verdicts
    }
    return questions.map { question in
      switch question {
      case .failure(let error): .failure(error)
      case .success(let question): verdicts[question] ?? .failure(PipelineError(.plugIn, "it was not judged"))
      }
    }
  }

  /// What was asked again, and what was known from an earlier attempt.
  package func remarks() -> [String] { client.opened?.remarks() ?? [] }

  /// What the judge is asked, images by their addresses.
  private struct Question: Hashable, Sendable {
    let text: String
    /// The prompt whose images go with it.
    var images: PolicyPrompt?
  }

  private func question(about trajectory: Trajectory) throws -> Question {
    var question = Question(text: try prompt.text(for: trajectory))
    if options.images == .send {
      question.images = try PolicyPrompt(wordsOf: trajectory, folder: trajectory.folder)
    }
    return question
  }

  private func verdict(
    _ question: Question, _ client: ChatClient, _ media: MediaAccess, retried: @Sendable (_ note: String) -> Void
  ) async throws -> Result<RewardOutcome, any Error> {
    do {
      let answer = try await client.answer {
        let images = try question.images.map { try ChatMessages.images(of: $0, media) } ?? []
        let text: JSONValue = ["type": "text", "text": .string(question.text)]
        let content = images.isEmpty ? .string(question.text) : JSONValue.array(images + [text])
        return ChatRequest(messages: [["role": "user", "content": content]], sampling: options.sampling)
      } retried: {
        retried($0)
      }
      return .success(outcome(answer.choices.first?.text ?? ""))
    } catch ServerFault.server(let message) {
      throw PipelineError(.server, message)
    } catch ServerFault.request(let message), ServerFault.tooLong(let message) {
      return .failure(PipelineError(.server, message))
    } catch let error as PipelineError where error.code == .invalidData || error.code == .inputOutput {
      return .failure(error)
    }
  }

  private func outcome(_ said: String) -> RewardOutcome {
    guard let number = options.score.number(in: said) else {
      return .abstained("the judge gave no score: \(said.suffix(60).description.quotedForMessage)")
    }
    let score = (number - options.worst) / (options.best - options.worst)
    guard (0...1).contains(score) else {
      return .abstained("the judge said \(number), which lies beyond \(options.worst)…\(options.best)")
    }
    return .scored(score)
  }
}

/// Tells how many questions are judged, and why that takes long.
private final class JudgedCount: Sendable {
  private let done = Mutex(0)
  private let total: Int
  private let progressed: @Sendable (_ activity: String, _ share: Double?) -> Void

  init(of total: Int, _ progressed: @escaping @Sendable (_ activity: String, _ share: Double?) -> Void) {
    (self.total, self.progressed) = (total, progressed)
  }

  func set(_ count: Int) {
    done.withLock { $0 = count }
    note(nil)
  }

  func note(_ note: String?) {
    progressed("\(done.withLock { $0 }) of \(total) judged" + (note.map { " · \($0)" } ?? ""), nil)
  }
}

/// Something that is opened when it is first needed.
private final class OpenedOnce<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)

  /// Nil before it is needed.
  var opened: Value? { value.withLock { $0 } }

  func open(_ make: () throws -> Value) throws -> Value {
    try value.withLock { value in
      if let value { return value }
      let made = try make()
      value = made
      return made
    }
  }
}
