/** Exit codes of a server process that ends by itself; documented in docs/reference/exit-codes.md. */
export const ServerExit = { failed: 1, dataDirectory: 3, disk: 10, port: 15, invariant: 16 } as const;

/** The server cannot start. `exitCode` is what its process should end with. */
export class StartError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number, cause: unknown) {
    super(message, { cause });
    this.name = 'StartError';
    this.exitCode = exitCode;
  }
}

/** Why a running server ended by itself. */
export interface FatalExit {
  readonly exitCode: number;
  readonly message: string;
}

/** The least that the server needs of a logger; pino's has it. */
export interface ServerLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}
