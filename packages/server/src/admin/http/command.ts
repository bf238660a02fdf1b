import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from './access.ts';
import type { JsonFields } from './json-text.ts';
import type { Schema } from './schema.ts';

/** What a command takes beside its name. */
export interface Parameter {
  readonly name: string;
  readonly required?: boolean;
  readonly schema: Schema;
  readonly description: string;
}

/** What is said of a command in the OpenAPI description. */
export interface CommandDescription {
  readonly summary: string;
  readonly parameters?: readonly Parameter[];
  /** The fields of its answer, beside `command` and `error`; `fields({})` for none. */
  readonly answer: Schema;
  /** What else it may answer than 200, by status. */
  readonly statuses?: Readonly<Record<number, string>>;
  /** The answer's type when it is not JSON. */
  readonly streams?: string;
  /** The type of the body that it takes. */
  readonly takes?: string;
}

/** A command with a way of its own to answer. */
export interface OwnCommand {
  readonly names: readonly [string, ...string[]];
  readonly method: 'GET' | 'POST' | 'any';
  /** By method; `any` has both. */
  readonly describe: { readonly GET?: CommandDescription; readonly POST?: CommandDescription };
  /** Answers; may read the request's body. A throw becomes status 500. */
  run(call: AdminCall): Promise<void>;
}

/** A request to a command, and how it is answered. */
export interface AdminCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly caller: Caller;
  /** Sends the JSON envelope: the fields, then `command` and `error`. */
  json(status: number, fields: JsonFields, error?: string): Promise<void>;
  /** Asks a client that waits for it to send the body (`Expect: 100-continue`). To be called before the body is read. */
  wantBody(): void;
  /** From here on the connection stays open although nothing moves on it, until the answer begins. */
  keepWaiting(): void;
}
