import { ErrorCode, encodeUtf8, Permission, reconfigRequest } from '@headkeeper/protocol';
import { Field } from '../tree/node-store.ts';
import type { WriteOperation } from './operation.ts';

const CONFIG_PATH = encodeUtf8('/zookeeper/config');
/** The znode's version stays: its content is told apart by mzxid. */
const SAME_VERSION = -1;

/** reconfig: its txn sets the content of /zookeeper/config (quorum-protocol reference, 13.4). Refused on a standalone server. */
export const reconfig: WriteOperation = {
  kind: 'write',
  prepare(p, r) {
    const request = reconfigRequest.decode(r);
    if (!p.serving.settings.reconfigEnabled) return ErrorCode.reconfigDisabled;
    if (!p.sessionIsLive()) return ErrorCode.sessionExpired;
    const { reconfigurator } = p.serving;
    if (reconfigurator === null) return ErrorCode.unimplemented;
    const node = p.pending.find(CONFIG_PATH, 0, CONFIG_PATH.length);
    if (!node.exists) return ErrorCode.noNode;
    const outcome = reconfigurator.reconfigure(request, p.zxid);
    if (typeof outcome === 'number') return outcome;
    if (!p.allowed(node.aclId, Permission.write)) return ErrorCode.noAuth;
    reconfigurator.proposed();

    const text = encodeUtf8(outcome);
    const log = p.log;
    log.int(CONFIG_PATH.length);
    const pathAt = log.length;
    log.raw(CONFIG_PATH);
    log.int(text.length);
    const dataAt = log.length;
    log.raw(text);
    log.int(SAME_VERSION);
    p.pending.willChange(node);
    node.stat[Field.version] = SAME_VERSION;
    node.setLong(Field.mzxid, p.zxid);
    node.setLong(Field.mtime, p.time);
    node.dataLength = text.length;
    p.pending.changed(node, p.zxid, log, pathAt, pathAt + CONFIG_PATH.length, true, dataAt);
    return ErrorCode.ok;
  },
};
