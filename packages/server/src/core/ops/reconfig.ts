import { ErrorCode } from '@headkeeper/protocol';
import type { WriteOperation } from './operation.ts';

/** Servers that join, that leave, and the whole new list. */
const TEXTS = 3;
const VERSION_BYTES = 8;

/** reconfig on a standalone server is refused, as Apache does, once its body (three texts and a version) is read. */
export const reconfig: WriteOperation = {
  kind: 'write',
  prepare(p, r) {
    for (let i = 0; i < TEXTS; i++) r.skip(Math.max(0, r.length()));
    r.skip(VERSION_BYTES);
    if (!p.serving.settings.reconfigEnabled) return ErrorCode.reconfigDisabled;
    return p.sessionIsLive() ? ErrorCode.unimplemented : ErrorCode.sessionExpired;
  },
};
