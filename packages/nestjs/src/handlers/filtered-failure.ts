/**
 * What `Invoke` resolves to when the handler failed, or something around it, and an exception filter has dealt with that. Nest keeps this to
 * itself; a message must not end without a trace.
 */
export class FilteredFailure {
  constructor(
    readonly error: unknown,
    /** What the filter returned: the answer to a request, or a `ConsumeResult`. */
    readonly value: unknown,
  ) {}
}
