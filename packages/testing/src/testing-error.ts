/** A test server was asked for something that it cannot do now or ever; the message says what, and what to do. */
export class TestingError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'TestingError';
  }
}
