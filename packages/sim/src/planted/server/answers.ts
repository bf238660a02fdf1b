import { edit, type PlantedBug } from '../planted-bug.ts';

const SET_WATCHES = 'core/ops/set-watches.js';
const CLIENTS = 'core/clients.js';

/** What clients see: answers, their order, and watches. */
export const ANSWER_BUGS: readonly PlantedBug[] = [
  {
    name: 'client taken back in time',
    source: 'C03, I12: a server that is behind takes a client that has seen more',
    profile: null,
    edits: [edit(CLIENTS, 'handshake === null || handshake.lastZxidSeen > serving.lastZxid', 'handshake === null')],
  },
  {
    name: 'read overtakes the own write',
    source: 'C04, ZOOKEEPER-4537: a read does not wait for the writes that the session has sent before',
    profile: null,
    edits: [
      edit(
        CLIENTS,
        'if (connection.order.size > 0) {\n                connection.order.pushRequest',
        'if (false) {\n                connection.order.pushRequest',
      ),
    ],
  },
  {
    name: 'multi half done',
    source: 'C07, I14: what a multi changed before its failure is not taken back',
    profile: null,
    edits: [edit('core/ops/multi.js', '            if (failure === 0)\n                p.pending.rollBack();\n', '')],
  },
  {
    name: 'sequence numbers repeat',
    source: 'C08, ZOOKEEPER-1046: the number of a sequential znode is that of the children that are there',
    profile: null,
    edits: [
      edit('core/ops/create.js', 'writeSuffix(p, parent.stat[Field.cversion]);', 'writeSuffix(p, parent.childCount);'),
    ],
  },
  {
    name: 'missed changes not made up for',
    source: 'W05: a watch that is set again over a reconnection does not look at what has changed meanwhile',
    profile: null,
    edits: [
      edit(SET_WATCHES, 'serving.tree.longOf(slot, Field.mzxid) > relativeZxid;', 'false;'),
      edit(SET_WATCHES, 'serving.tree.longOf(slot, Field.pzxid) > relativeZxid;', 'false;'),
    ],
  },
  {
    name: 'reconnection fires watches',
    source: 'W06, ZOOKEEPER-1412: what the client has seen counts as changed',
    profile: null,
    edits: [
      edit(
        SET_WATCHES,
        'serving.tree.longOf(slot, Field.mzxid) > relativeZxid;',
        'serving.tree.longOf(slot, Field.mzxid) >= relativeZxid;',
      ),
      edit(
        SET_WATCHES,
        'serving.tree.longOf(slot, Field.pzxid) > relativeZxid;',
        'serving.tree.longOf(slot, Field.pzxid) >= relativeZxid;',
      ),
    ],
  },
  {
    name: 'answer before the event',
    source: 'W08, I11: the event of a change leaves behind answers that show it',
    profile: null,
    edits: [
      edit(
        'core/serving.js',
        '        connection.out.raw(this.#event.bytes, 0, this.#event.length);\n',
        '        (this.late ??= []).push([connection, this.#event.bytes.slice(0, this.#event.length)]);\n',
      ),
      edit(
        'core/serving.js',
        '    setLastZxid(zxid) {\n',
        "    setLastZxid(zxid) {\n        for (const [connection, event] of this.due ?? []) {\n            if (connection.state !== 'open') continue;\n            connection.out.raw(event, 0, event.length);\n            if (!connection.dirty) this.markDirty(connection);\n        }\n        this.due = this.late;\n        this.late = [];\n",
      ),
    ],
  },
  {
    name: 'connection keeps watches of its deleted znodes',
    source: 'W10: a one-shot watch is not used up by the event that it fires',
    profile: null,
    edits: [
      edit(
        'core/watch/watches.js',
        'const kept = watches.get(watch, KINDS) & ~ONE_SHOT_KINDS;',
        'const kept = watches.get(watch, KINDS);',
      ),
    ],
  },
];
