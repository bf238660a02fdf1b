import { edit, type PlantedBug } from '../planted-bug.ts';

const LEADING = 'core/roles/leading.js';

/** Elections and epochs. */
export const ELECTION_BUGS: readonly PlantedBug[] = [
  {
    name: 'epoch used twice',
    source: 'D3, I4: a new leader takes the greatest epoch it hears of instead of the one behind it',
    profile: null,
    edits: [
      edit(
        LEADING,
        'this.#epoch = Math.max(this.#maxAccepted + 1, this.#stage.leastEpoch);',
        'this.#epoch = Math.max(1, this.#maxAccepted);',
      ),
      edit(
        'core/roles/learning.js',
        'const isNew = epoch > epochs.accepted;',
        'const isNew = epoch >= epochs.accepted;',
      ),
    ],
  },
  {
    name: 'vote without history',
    source: 'the server id alone decides an election, and nobody checks the leader',
    profile: null,
    edits: [
      edit(
        'core/election/vote.js',
        '    if (a.peerEpoch !== b.peerEpoch)\n        return a.peerEpoch > b.peerEpoch;\n    if (a.zxid !== b.zxid)\n        return a.zxid > b.zxid;',
        '',
      ),
      edit(
        LEADING,
        'if (currentEpoch > this.#ownEpoch || (currentEpoch === this.#ownEpoch && packet.zxid > this.#ownZxid)) {',
        'if (false) {',
      ),
    ],
  },
  {
    name: 'established without quorum',
    source: 'D7: a leader serves before a quorum has its history',
    profile: null,
    edits: [
      edit(LEADING, "if (this.#phase !== 'sync' || !this.#isQuorum(this.#synced))", "if (this.#phase !== 'sync')"),
    ],
  },
  {
    name: 'promise not stored',
    source: 'D1: an epoch is accepted in memory only',
    profile: null,
    edits: [edit('driver/peer-runner.js', '        this.#options.epochs.write(work.hardState);', '')],
  },
  {
    name: 'epoch back after a power cut',
    source: 'D09: the folder of the epoch files is not synced behind the renaming',
    profile: null,
    edits: [
      edit(
        'adapters/disk/durable-file.js',
        'disk.renameSync(draft, path);\n    disk.syncDirSync(folder);',
        'disk.renameSync(draft, path);',
      ),
    ],
  },
  {
    name: 'votes of the running ensemble not believed',
    source: 'E01, ZOOKEEPER-1732, 1805: who comes back hears of one leader in different epochs, and goes on looking',
    profile: null,
    edits: [
      edit('core/roles/learning.js', '        this.#stage.election.established(this.#epoch);\n', ''),
      edit(
        'core/election/vote.js',
        'return a.peerEpoch === b.peerEpoch || a.electionEpoch === b.electionEpoch || (a.version === 0) !== (b.version === 0);',
        'return a.peerEpoch === b.peerEpoch;',
      ),
      edit(
        'core/election/fast-election.js',
        'const known = this.#poll.knownLeader(this.#electorate);',
        'const known = null;',
      ),
    ],
  },
  {
    name: 'deaf for votes behind a broken one',
    source: 'E05, ZOOKEEPER-3769: a connection that ends in the middle of a vote keeps its place for ever',
    profile: null,
    edits: [
      edit(
        'adapters/peer/election-links.js',
        'if (peer === undefined || this.#isStopped)\n            return;\n        if (peer.live === stream) {',
        'if (isFault || peer !== undefined) return;\n        if (peer.live === stream) {',
      ),
    ],
  },
  {
    name: 'no order among equals',
    source: 'E16: candidates with the same history are not told apart',
    profile: null,
    edits: [edit('core/election/vote.js', 'return a.leader > b.leader;', 'return false;')],
  },
  {
    name: 'wall clock for durations',
    source: 'E15, ZOOKEEPER-1366: timeouts follow the clock that is set',
    profile: null,
    edits: [
      edit(
        'driver/driver.js',
        'return { nowMs: this.#clock.monotonicMs(), wallMs',
        'return { nowMs: this.#clock.wallMs() - 1700000000000, wallMs',
      ),
    ],
  },
];
