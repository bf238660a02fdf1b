import { ErrorCode } from '@headkeeper/protocol';
import type { WriteOperation } from './operation.ts';

/** reconfig on a standalone server is refused, as Apache does; its body is not looked at. */
export const reconfig: WriteOperation = {
  kind: 'write',
  prepare(p) {
    if (!p.serving.settings.reconfigEnabled) return ErrorCode.reconfigDisabled;
    return p.sessionIsLive() ? ErrorCode.unimplemented : ErrorCode.sessionExpired;
  },
};
