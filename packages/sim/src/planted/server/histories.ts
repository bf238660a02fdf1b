import { edit, type PlantedBug } from '../planted-bug.ts';

const SYNC_PLAN = 'core/zab/sync-plan.js';
const LEARNER_SYNC = 'core/roles/learner-sync.js';
const PEER_RUNNER = 'driver/peer-runner.js';
const HISTORY_FILES = 'adapters/disk/history-files.js';

/** What a leader sends to bring a learner to its history, and how a history is cut. */
export const HISTORY_BUGS: readonly PlantedBug[] = [
  {
    name: 'DIFF by number',
    source: 'E10, ZOOKEEPER-1154: inside the window of numbers counts as inside the history',
    profile: 'sync',
    edits: [
      edit(SYNC_PLAN, '    if (window.knows(peerZxid))', '    if (peerZxid >= window.base && peerZxid <= window.last)'),
    ],
  },
  {
    name: 'a stale tail is not cut',
    source: 'S16, ZOOKEEPER-2832: a learner that is ahead is sent a DIFF from where the leader ends',
    profile: 'sync',
    edits: [edit(SYNC_PLAN, "return { kind: 'trunc', to };", "return { kind: 'diff', from: to };")],
  },
  {
    name: 'a good follower is cut',
    source: 'S18, ZOOKEEPER-3526: a learner is told to cut its log to where the window begins',
    profile: null,
    edits: [
      edit(
        SYNC_PLAN,
        "return { kind: 'diff', from: peerZxid };",
        "return peerZxid === window.base ? { kind: 'diff', from: peerZxid } : { kind: 'trunc', to: window.base };",
      ),
    ],
  },
  {
    name: 'hole in the window',
    source: 'S07, ZOOKEEPER-4925: what is applied during a synchronisation is missing in the window of the next leader',
    profile: null,
    edits: [
      edit(
        'core/pipeline.js',
        '        recent.add(zxid, writer.bytes, start, end);',
        '        if (this.clients.areServed) recent.add(zxid, writer.bytes, start, end);',
      ),
      edit('core/zab/committed-log.js', 'if (!follows) {', 'if (false) {'),
    ],
  },
  {
    name: 'memory ahead of the log',
    source: 'S08, ZOOKEEPER-4882, E08: a write of the log fails once, and the server goes on as if it had not',
    profile: null,
    edits: [edit('driver/driver.js', 'failed(error) {\n        this.#fail(error);\n    }', 'failed() {\n    }')],
  },
  {
    name: 'hole between disk and window',
    source: 'S17, ZOOKEEPER-2418: txns out of log files end before those in memory begin',
    profile: 'sync',
    edits: [edit(LEARNER_SYNC, 'if (recent.knows(handler.diskZxid)) {', 'if (true) {')],
  },
  {
    name: 'window that begins at zero',
    source: 'S19, ZOOKEEPER-4352: a newcomer gets the window alone, as if nothing had been before',
    profile: null,
    edits: [
      edit('core/database.js', 'limits.committedLogBytes, zxid)', 'limits.committedLogBytes, 0)'),
      edit('core/zab/committed-log.js', 'if (!follows) {', 'if (this.size > 0 && !follows) {'),
    ],
  },
  {
    name: 'writes lost during a SNAP',
    source: 'S11, ZOOKEEPER-3104: NEWLEADER stands for less than the leader has committed since the state was taken',
    profile: null,
    edits: [edit('core/zab/learner-handler.js', 'this.committed(this.queue, zxid, bytes, start, end);', '')],
  },
  {
    name: 'TRUNC in memory only',
    source: 'S09, ZOOKEEPER-5094: the log on the disk is not cut',
    profile: 'sync',
    edits: [edit(PEER_RUNNER, 'history.truncate(order.zxid);', '')],
  },
  {
    name: 'cut too far',
    source: 'S15, ZOOKEEPER-1156: TRUNC to a zxid removes it, too',
    profile: 'sync',
    edits: [edit(PEER_RUNNER, 'history.truncate(order.zxid);', 'history.truncate(order.zxid - 1);')],
  },
  {
    name: 'log files beyond the cut stay',
    source: 'S15, X04, ZOOKEEPER-4837: what was cut off comes back out of a file that is newer than the cut',
    profile: 'sync',
    edits: [edit(HISTORY_FILES, 'for (const name of later.reverse())', 'for (const name of [])')],
  },
  {
    name: 'cut without sync',
    source: 'D07: the end of a file that was cut comes back with the power',
    profile: 'sync',
    edits: [
      edit(
        HISTORY_FILES,
        '    file.truncateSync(place.offset);\n    file.dataSyncSync();\n',
        '    file.truncateSync(place.offset);\n',
      ),
    ],
  },
];
