import { JuteError } from '../bytes/jute-error.ts';
import type { Reader } from '../bytes/reader.ts';
import type { Writer } from '../bytes/writer.ts';
import { OpCode } from '../opcodes.ts';
import type { Codec } from './codec.ts';
import { type Create2Response, create2Response } from './create2-response.ts';
import { type ErrorResponse, errorResponse } from './error-response.ts';
import { type GetChildrenResponse, getChildrenResponse } from './get-children-response.ts';
import { type GetDataResponse, getDataResponse } from './get-data-response.ts';
import { END_OF_MULTI, multiHeader } from './multi-header.ts';
import { type PathResponse, pathResponse } from './path-response.ts';
import { type StatResponse, statResponse } from './stat-response.ts';

/** The result of one operation; type -1 holds the error of one that failed, or of one beside it (-2, or 0). */
export type MultiResult =
  | { readonly type: typeof OpCode.create; readonly body: PathResponse }
  | { readonly type: Create2Type; readonly body: Create2Response }
  | { readonly type: typeof OpCode.setData; readonly body: StatResponse }
  | { readonly type: typeof OpCode.delete | typeof OpCode.check; readonly body: null }
  | { readonly type: typeof OpCode.getData; readonly body: GetDataResponse }
  | { readonly type: typeof OpCode.getChildren; readonly body: GetChildrenResponse }
  | { readonly type: typeof OpCode.error; readonly body: ErrorResponse };

/** Servers send 15 for all three; the schema allows the others. */
type Create2Type = typeof OpCode.create2 | typeof OpCode.createContainer | typeof OpCode.createTTL;

/**
 * Reply of multi and multiRead (client-protocol reference, section 3.6). The err of a header is 0, or for type -1 the
 * same code as in the body.
 *
 * ```text
 * header  MultiHeader         | for each
 * body    as the type says    | result
 * end     MultiHeader with done = true
 * ```
 */
export interface MultiResponse {
  readonly results: readonly MultiResult[];
}

export const multiResponse: Codec<MultiResponse> = {
  encode(out, value) {
    for (const result of value.results) {
      const err = result.type === OpCode.error ? result.body.err : 0;
      multiHeader.encode(out, { type: result.type, done: false, err });
      encodeBody(out, result);
    }
    multiHeader.encode(out, END_OF_MULTI);
  },
  decode(input) {
    const results: MultiResult[] = [];
    for (;;) {
      const header = multiHeader.decode(input);
      if (header.done) return { results };
      results.push(decodeResult(input, header.type));
    }
  },
};

function encodeBody(out: Writer, result: MultiResult): void {
  switch (result.type) {
    case OpCode.create:
      pathResponse.encode(out, result.body);
      break;
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL:
      create2Response.encode(out, result.body);
      break;
    case OpCode.setData:
      statResponse.encode(out, result.body);
      break;
    case OpCode.delete:
    case OpCode.check:
      break;
    case OpCode.getData:
      getDataResponse.encode(out, result.body);
      break;
    case OpCode.getChildren:
      getChildrenResponse.encode(out, result.body);
      break;
    case OpCode.error:
      errorResponse.encode(out, result.body);
      break;
  }
}

function decodeResult(input: Reader, type: number): MultiResult {
  switch (type) {
    case OpCode.create:
      return { type, body: pathResponse.decode(input) };
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL:
      return { type, body: create2Response.decode(input) };
    case OpCode.setData:
      return { type, body: statResponse.decode(input) };
    case OpCode.delete:
    case OpCode.check:
      return { type, body: null };
    case OpCode.getData:
      return { type, body: getDataResponse.decode(input) };
    case OpCode.getChildren:
      return { type, body: getChildrenResponse.decode(input) };
    case OpCode.error:
      return { type, body: errorResponse.decode(input) };
    default:
      throw new JuteError('malformed', `type ${type} cannot be a result of a multi`);
  }
}
