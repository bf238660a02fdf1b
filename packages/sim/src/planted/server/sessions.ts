import { edit, type PlantedBug } from '../planted-bug.ts';

const LEADER_WRITES = 'core/roles/leader-writes.js';

/** Sessions and ephemerals. */
export const SESSION_BUGS: readonly PlantedBug[] = [
  {
    name: 'sessions not touched',
    source: 'I9: followers forget to tell the leader whom they heard of',
    profile: null,
    edits: [
      edit(
        'core/roles/forwarding.js',
        '                out.longHalves(idHigh, idLow);\n                out.int(touchedTimeoutMs);',
        '',
      ),
    ],
  },
  {
    name: 'create behind expiry',
    source: 'X05, ZOOKEEPER-1208: a session whose end is proposed goes on making ephemerals',
    profile: null,
    edits: [
      edit('core/ops/sessions.js', '    session.closing = true;\n    return ErrorCode.ok;', '    return ErrorCode.ok;'),
    ],
  },
  {
    name: 'a new leader expires by old clocks',
    source: 'X07: sessions do not get their full time from a new leader',
    profile: null,
    edits: [
      edit(
        LEADER_WRITES,
        'session.owner = NOBODY;\n            serving.expiry.touch(session.slot, serving.nowMs, session.timeoutMs);',
        'session.owner = NOBODY;\n            serving.expiry.touch(session.slot, serving.nowMs, 1);',
      ),
    ],
  },
  {
    name: 'ephemerals of the dead stay',
    source: 'X15, ZOOKEEPER-919: sessions of a leader that has died are never ended by the next',
    profile: null,
    edits: [
      edit(
        LEADER_WRITES,
        'session.owner = NOBODY;\n            serving.expiry.touch(session.slot, serving.nowMs, session.timeoutMs);',
        'session.owner = NOBODY;',
      ),
    ],
  },
  {
    name: 'a stopped leader expires everybody',
    source: 'X08: a leader that stood still ends sessions before it reads what has come meanwhile',
    profile: null,
    edits: [
      edit(
        'core/roles/leading.js',
        'if (this.#transfer === null && nowMs >= this.#expiryRestsUntilMs)',
        'if (this.#transfer === null)',
      ),
    ],
  },
  {
    name: 'a moved session acts through its old server',
    source: 'X09, ZOOKEEPER-710: requests of the server that a client has left still take effect',
    profile: null,
    edits: [
      edit(LEADER_WRITES, '        if (session.owner !== OWN)\n            return ErrorCode.sessionMoved;\n', ''),
      edit(
        LEADER_WRITES,
        '            if (session.owner !== sid)\n                refusal = ErrorCode.sessionMoved;\n',
        '',
      ),
    ],
  },
  {
    name: 'another session in place of the lost one',
    source: 'X10: a client whose session is over is given a new one without a word',
    profile: null,
    edits: [
      edit(
        'core/clients.js',
        '        this.attach(connection, isValid ? this.#serving.sessions.find(idHigh, idLow) : null);',
        '        if (!isValid && this.#path !== null) return this.#createSession(this.#path, connection);\n        this.attach(connection, isValid ? this.#serving.sessions.find(idHigh, idLow) : null);',
      ),
    ],
  },
  {
    name: 'an ephemeral is not deleted everywhere',
    source: 'X01, X02, ZOOKEEPER-2355: only servers that know the session still look what it owns',
    profile: null,
    edits: [
      edit('core/tree/apply.js', 'for (const slot of owned === null ? [] : [...owned]) {', 'for (const slot of []) {'),
      edit(
        'core/ops/sessions.js',
        '    for (const { path, pathStart, pathEnd } of p.pending.ownedBy(session.idHigh, session.idLow)) {',
        '    for (const { path, pathStart, pathEnd } of []) {',
      ),
    ],
  },
  {
    name: 'a container is removed with what is in it',
    source: 'X16: between the look at a container and its deletion a child is created',
    profile: null,
    edits: [
      edit(
        'core/ops/delete.js',
        '        if (node.childCount > 0)\n            return ErrorCode.notEmpty;\n        proposeDelete(p, p.log, r.bytes, path.start, path.end);',
        '        proposeDelete(p, p.log, r.bytes, path.start, path.end);',
      ),
      edit('core/reaper.js', 'if (isChanging(proposals, body.bytes, 4, body.length))', 'if (false)'),
    ],
  },
];
