import { JuteError } from '../bytes/jute-error.ts';
import type { Reader } from '../bytes/reader.ts';
import type { Writer } from '../bytes/writer.ts';
import { OpCode } from '../opcodes.ts';
import type { Codec } from './codec.ts';
import { type CreateRequest, createRequest } from './create-request.ts';
import { type CreateTTLRequest, createTTLRequest } from './create-ttl-request.ts';
import { END_OF_MULTI, multiHeader } from './multi-header.ts';
import { type PathVersionRequest, pathVersionRequest } from './path-version-request.ts';
import { type PathWatchRequest, pathWatchRequest } from './path-watch-request.ts';
import { type SetDataRequest, setDataRequest } from './set-data-request.ts';

/** One operation of a multi (the first four) or of a multiRead (the last). */
export type MultiOperation =
  | { readonly type: CreateType; readonly body: CreateRequest }
  | { readonly type: typeof OpCode.createTTL; readonly body: CreateTTLRequest }
  | { readonly type: typeof OpCode.delete | typeof OpCode.check; readonly body: PathVersionRequest }
  | { readonly type: typeof OpCode.setData; readonly body: SetDataRequest }
  | { readonly type: typeof OpCode.getData | typeof OpCode.getChildren; readonly body: PathWatchRequest };

type CreateType = typeof OpCode.create | typeof OpCode.create2 | typeof OpCode.createContainer;

/**
 * Body of multi and multiRead (client-protocol reference, section 3.6). Every header says done = false and err = -1.
 *
 * ```text
 * header  MultiHeader         | for each
 * body    as the type says    | operation
 * end     MultiHeader with done = true
 * ```
 *
 * Types that neither may carry are refused as malformed; writes mixed with reads are left to the server to refuse.
 */
export interface MultiRequest {
  readonly ops: readonly MultiOperation[];
}

export const multiRequest: Codec<MultiRequest> = {
  encode(out, value) {
    for (const operation of value.ops) {
      multiHeader.encode(out, { type: operation.type, done: false, err: -1 });
      encodeBody(out, operation);
    }
    multiHeader.encode(out, END_OF_MULTI);
  },
  decode(input) {
    const ops: MultiOperation[] = [];
    for (;;) {
      const header = multiHeader.decode(input);
      if (header.done) return { ops };
      ops.push(decodeOperation(input, header.type));
    }
  },
};

function encodeBody(out: Writer, operation: MultiOperation): void {
  switch (operation.type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
      createRequest.encode(out, operation.body);
      break;
    case OpCode.createTTL:
      createTTLRequest.encode(out, operation.body);
      break;
    case OpCode.delete:
    case OpCode.check:
      pathVersionRequest.encode(out, operation.body);
      break;
    case OpCode.setData:
      setDataRequest.encode(out, operation.body);
      break;
    case OpCode.getData:
    case OpCode.getChildren:
      pathWatchRequest.encode(out, operation.body);
      break;
  }
}

function decodeOperation(input: Reader, type: number): MultiOperation {
  switch (type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
      return { type, body: createRequest.decode(input) };
    case OpCode.createTTL:
      return { type, body: createTTLRequest.decode(input) };
    case OpCode.delete:
    case OpCode.check:
      return { type, body: pathVersionRequest.decode(input) };
    case OpCode.setData:
      return { type, body: setDataRequest.decode(input) };
    case OpCode.getData:
    case OpCode.getChildren:
      return { type, body: pathWatchRequest.decode(input) };
    default:
      throw new JuteError('malformed', `type ${type} cannot be an operation of a multi`);
  }
}
