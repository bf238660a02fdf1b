import { edit, type PlantedBug } from '../planted-bug.ts';

const LEARNING = 'core/roles/learning.js';
const LEADING = 'core/roles/leading.js';
const WAITS_FOR_HISTORY = '        if (this.#pipeline.durableZxid < this.#newLeaderZxid)\n            return;';
const NEEDS_HISTORY = '        link.needsZxid = Math.max(link.needsZxid, this.#newLeaderZxid);';

/** The dangerous stretch between LEADERINFO and UPTODATE. */
export const JOIN_BUGS: readonly PlantedBug[] = [
  {
    name: 'epoch raised before the history is durable',
    source: 'S02, ZOOKEEPER-4643: currentEpoch is stored when NEWLEADER comes',
    profile: null,
    edits: [
      edit(
        LEARNING,
        "        this.#phase = 'persisting';",
        "        this.#stage.enterEpoch(this.#epoch);\n        this.#phase = 'persisting';",
      ),
    ],
  },
  {
    name: 'NEWLEADER acknowledged before the history is durable',
    source: 'S01, ZOOKEEPER-4646',
    profile: null,
    edits: [edit(LEARNING, WAITS_FOR_HISTORY, ''), edit(LEARNING, NEEDS_HISTORY, '')],
  },
  {
    name: 'DIFF not logged before NEWLEADER is acknowledged',
    source: 'S05, ZOOKEEPER-3023: only what was there before the DIFF is waited for',
    profile: null,
    edits: [
      edit(LEARNING, 'this.#newLeaderZxid = this.#pipeline.appendedZxid;', 'this.#newLeaderZxid = this.#initialZxid;'),
    ],
  },
  {
    name: 'DIFF taken for logged when its first txn is',
    source:
      'S06, ZOOKEEPER-4785: a follower bounced in the middle of a DIFF has the new epoch and a part of the history',
    profile: null,
    edits: [
      edit(
        LEARNING,
        WAITS_FOR_HISTORY,
        '        if (this.#pipeline.durableZxid < Math.min(this.#newLeaderZxid, this.#initialZxid + 1))\n            return;',
      ),
      edit(LEARNING, NEEDS_HISTORY, ''),
    ],
  },
  {
    name: 'proposals acknowledged before NEWLEADER',
    source: 'S03, ZOOKEEPER-4685: the writer of the log acknowledges what the synchronisation has not yet',
    profile: null,
    edits: [
      edit(
        LEARNING,
        "        if (this.#phase === 'persisting')\n            this.#acknowledgeLeader();\n        if (this.#phase === 'acknowledged' || this.#phase === 'serving')\n            this.#acknowledgeTxns();",
        "        if (this.#phase !== 'connecting' && this.#phase !== 'discovery')\n            this.#acknowledgeTxns();\n        if (this.#phase === 'persisting')\n            this.#acknowledgeLeader();",
      ),
    ],
  },
  {
    name: 'COMMIT for what was handed over at NEWLEADER',
    source: 'S04, ZOOKEEPER-4394: the list of what waits for its COMMIT is forgotten at NEWLEADER',
    profile: null,
    edits: [
      edit(
        LEARNING,
        'if (zxid > proposals.lastZxid) {',
        "if (zxid > proposals.lastZxid || ((this.#phase === 'persisting' || this.#phase === 'acknowledged') && proposals.oldest !== null)) {",
      ),
    ],
  },
  {
    name: 'skipped TRUNC',
    source: 'S12, S16, ZOOKEEPER-2845: a learner keeps txns that its leader does not have',
    profile: 'sync',
    edits: [
      edit(
        LEARNING,
        '        if (zxid === appendedZxid) {\n            this.#sync(link);',
        '        if (zxid <= appendedZxid) {\n            this.#sync(link);',
      ),
    ],
  },
  {
    name: 'tree kept over a TRUNC',
    source: 'X03, ZOOKEEPER-5010: what a lost txn created, an ephemeral too, stays in memory when the log is cut',
    profile: 'sync',
    edits: [
      edit(
        LEARNING,
        'const reload = zxid < serving.lastZxid;',
        'const reload = false;\n        if (zxid < serving.lastZxid) serving.setLastZxid(zxid);',
      ),
    ],
  },
  {
    name: 'state received and not installed',
    source: 'S10, ZOOKEEPER-3642: memory keeps a state that the disk never got',
    profile: 'sync',
    edits: [
      edit(LEARNING, 'if (this.#install !== null || this.#isLost || this.#stage.doubt.isTreeWrong) {', 'if (false) {'),
    ],
  },
  {
    name: 'the writer of the log outlives its role',
    source: 'S13, ZOOKEEPER-4712, 4541, 4502: the next role begins while the log of the last one is being written',
    profile: null,
    edits: [
      edit('core/roles/looking.js', 'if (pipeline.durableZxid < pipeline.appendedZxid || ', 'if ('),
      edit(LEARNING, 'this.#waitsForDisk = this.#pipeline.durableZxid < this.#pipeline.appendedZxid;', ''),
    ],
  },
  {
    name: 'serving before the history is applied',
    source: 'S22, ZOOKEEPER-3500: UPTODATE opens the door while what was committed waits',
    profile: null,
    edits: [edit(LEARNING, 'this.#pipeline.applyUpTo(Math.max(this.#initialZxid, this.#committedZxid));', '')],
  },
  {
    name: 'proposals only to those who acknowledged NEWLEADER',
    source: 'S23: COMMIT reaches a joiner that never saw the proposal',
    profile: null,
    edits: [
      edit(
        'core/zab/learner-handler.js',
        "return this.stage === 'newLeader' || this.stage === 'synced'",
        "return this.stage === 'synced'",
      ),
    ],
  },
  {
    name: 'outstanding proposals not handed to a joiner',
    source: 'S24: what is proposed and not committed when a learner joins is not sent to it',
    profile: null,
    edits: [
      edit(
        LEADING,
        'for (let i = proposals.indexAfter(this.#committed); i < proposals.indexAfter(this.#announced); i++)',
        'for (const i of [])',
      ),
    ],
  },
];
