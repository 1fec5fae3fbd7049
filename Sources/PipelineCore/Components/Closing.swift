// SPDX-License-Identifier: Apache-2.0

/// Runs `body`, then closes what it used, whether it threw or not.
///
/// ```swift
/// let summary = try await withClosing({ await policy.close() }) { try await evaluate(policy) }
/// ```
/// - Parameters:
///   - close: Gives back what is held, such as a program that was started; called once, after `body`.
///   - body: The work.
public func withClosing<Result>(
  isolation: isolated (any Actor)? = #isolation, _ close: () async -> Void, _ body: () async throws -> Result
) async rethrows -> Result {
  let result: Result
  do {
    result = try await body()
  } catch {
    await close()
    throw error
  }
  await close()
  return result
}
