/** Why a decoder refused its input. */
export type JuteErrorReason = 'truncated' | 'negative-length' | 'over-limit' | 'malformed';

/**
 * The one error that decoders throw. Nothing has been allocated from a length that did not fit the input.
 *
 * Source of the rule: client-protocol reference, sections 1.2 and 1.3.
 */
export class JuteError extends Error {
  readonly reason: JuteErrorReason;

  constructor(reason: JuteErrorReason, message: string) {
    super(message);
    this.name = 'JuteError';
    this.reason = reason;
  }
}
