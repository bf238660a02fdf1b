import type { Entry, NamedTest } from './entry.ts';

const ADAPTERS = 'packages/server/src/adapters/disk';
const CORE = 'packages/server/src/core';

const test = (file: string, name: string): NamedTest => ({ file: `packages/server/test/${file}.test.ts`, name });

const POINT_IN_TIME = test(
  'tree/snapshot-writer.property',
  'a snapshot is the tree at its beginning, whatever happens while it is written',
);
const ENDED_EVERYWHERE = test('server/crash', 'recovers what it acknowledged, and goes on');

/** What machines and their disks do to logs, snapshots and the small files beside them. */
export const DISK: readonly Entry[] = [
  {
    id: 'D01',
    title: 'a sync fails once, and the next one says that all is well',
    proofs: [
      test('server/disk-failure', 'gives up at a failed ${operation}, acknowledges nothing more, and loses nothing'),
      test('disk/journal', 'reports a failed ${operation} once, and nothing as durable that a crash would lose'),
    ],
    guards: [
      {
        file: `${ADAPTERS}/journal-files.ts`,
        text: 'this.#file?.truncateSync(this.#durableEnd);',
        edits: [
          { file: 'adapters/disk/journal-files.js', find: 'this.#file?.truncateSync(this.#durableEnd);', put: '' },
        ],
      },
    ],
  },
  {
    id: 'D02',
    title: 'a disk says that it has synced and has not',
    proofs: [
      { scenario: 'D02' },
      test('disk/logged-mark', 'refuses a log that ends before it, and names what is missing'),
      {
        command: 'npm run sim -- --disk --for 4m',
        file: 'packages/sim/src/check/promises.ts',
        part: 'syncs that lie on one server, and on most: what the mark tells is noticed, and nothing else is excused',
      },
    ],
    missing:
      'what is lost of the quarter of a second by which the mark lags, or together with the mark, as when a whole disk lies, is ' +
      'noticed only where somebody who runs has heard of a later epoch: a majority of such disks loses what they had acknowledged',
  },
  {
    id: 'D03',
    title: 'a power cut tears the last record, in any of its sectors',
    proofs: [
      test('log/recovery', 'sectors that a power cut kept from the disk cost only what was never acknowledged'),
      test('log/recovery', 'any of the sectors of a record may be missing, wherever it begins, with a length ${what}'),
      ENDED_EVERYWHERE,
    ],
    guards: [
      {
        file: `${CORE}/log/log-reader.ts`,
        text: 'this.#unwritten = isUnwritten(window, bodyStart, bodyEnd);',
        edits: [
          {
            file: 'core/log/log-reader.js',
            find: 'this.#unwritten = isUnwritten(window, bodyStart, bodyEnd);',
            put: 'this.#unwritten = false;',
          },
        ],
      },
    ],
  },
  {
    id: 'D04',
    title: 'a record that rots in the middle of the log is taken for its end',
    proofs: [
      test('log/recovery', 'a changed bit is never taken for the end of the log'),
      test('log/recovery', 'a gap is refused: behind the snapshot, inside a file, between files, at a new epoch'),
      test('log/recovery', 'damage to a synced record is not taken for a missing sector, even among zeros'),
    ],
    guards: [
      {
        file: `${CORE}/log/log-replay.ts`,
        text: 'if (!end.endsForApache && !end.unwritten) throw this.#refuseDoubt(log.name, end);',
        edits: [
          { file: 'core/log/log-replay.js', find: 'if (!end.endsForApache && !end.unwritten)', put: 'if (false)' },
        ],
      },
      {
        file: `${CORE}/log/log-replay.ts`,
        text: 'if (!end.unwritten) throw this.#refuseDoubt(name, end);',
        edits: [{ file: 'core/log/log-replay.js', find: 'if (!end.unwritten)', put: 'if (false)' }],
      },
      { file: `${CORE}/log/log-replay.ts`, text: 'if (!contiguous) {' },
    ],
  },
  {
    id: 'D05',
    title: 'a server with a record that has rotted stays out until somebody empties it by hand',
    proofs: [
      test('disk/damage', 'is moved aside, and the server begins anew with its promise, without a vote'),
      test('ensemble/healing', 'a damaged log is set aside, and the state comes back from the others'),
      {
        file: 'packages/sim/test/scenario/history-repair.test.ts',
        name: 'every record intact on one server alone, ${run} at a time, turn ${turn}, ${how}',
      },
    ],
    guards: [
      {
        file: `${ADAPTERS}/damage.ts`,
        text: 'return disk.existsSync(`${dataDir}/${REBUILDING_NAME}`);',
        edits: [
          {
            file: 'adapters/disk/damage.js',
            find: 'return disk.existsSync(`${dataDir}/${REBUILDING_NAME}`);',
            put: 'return false;',
          },
        ],
      },
    ],
  },
  {
    id: 'D06',
    title: 'the last committed record rots, is cut off as unfinished, and is lost for all',
    proofs: [
      test('log/recovery', 'a changed bit is never taken for the end of the log'),
      test('election/blank-voter', 'a damaged server never votes and is never elected, not even among blank ones'),
      test('disk/damage', 'is moved aside, and the server begins anew with its promise, without a vote'),
      test('ensemble/healing', 'a server whose data is damaged does not vote, now or after another start'),
    ],
    guards: [
      {
        file: `${CORE}/election/franchise.ts`,
        text: "this.#votes = given === 'yes';",
        edits: [
          {
            file: 'core/election/franchise.js',
            find: "this.#votes = given === 'yes';",
            put: "this.#votes = given !== 'blank';",
          },
        ],
      },
    ],
  },
  {
    id: 'D07',
    title: 'a log that was cut is as long as before after a power cut',
    proofs: [
      test('disk/truncate', 'leaves a prefix of the history that is not shorter than was asked for'),
      test('disk/truncate', 'is caught when syncs are taken out (D07)'),
    ],
    guards: [
      {
        file: `${ADAPTERS}/history-files.ts`,
        text: 'file.truncateSync(place.offset);\n  file.dataSyncSync();',
        edits: [
          {
            file: 'adapters/disk/history-files.js',
            find: 'file.truncateSync(place.offset);\n    file.dataSyncSync();',
            put: 'file.truncateSync(place.offset);',
          },
        ],
      },
    ],
  },
  {
    id: 'D08',
    title: 'a new log file loses its name, and all that it holds',
    proofs: [
      test('disk/crash', 'loses nothing acknowledged, ${mode}'),
      test('disk/crash', 'is caught losing when syncs of the folder are taken out, ${mode}'),
    ],
    guards: [
      {
        file: `${ADAPTERS}/journal-files.ts`,
        text: 'if (this.#attempt(() => this.#disk.renameSync(spare, path))) this.#disk.syncDir(this.#folder, named);',
        edits: [
          {
            file: 'adapters/disk/journal-files.js',
            find: 'this.#disk.syncDir(this.#folder, named);',
            put: 'named(null);',
          },
        ],
      },
    ],
  },
  {
    id: 'D09',
    title: 'a promised epoch goes back, since the folder was not synced behind the renaming',
    proofs: [
      test(
        'disk/epoch-files',
        'survive a crash at every operation: what was promised stays, accepted is never behind (S20, D09)',
      ),
    ],
    guards: [
      {
        file: `${ADAPTERS}/durable-file.ts`,
        text: 'disk.renameSync(draft, path);\n  disk.syncDirSync(folder);',
        edits: [
          {
            file: 'adapters/disk/durable-file.js',
            find: 'disk.renameSync(draft, path);\n    disk.syncDirSync(folder);',
            put: 'disk.renameSync(draft, path);',
          },
        ],
      },
    ],
  },
  {
    id: 'D10',
    title: 'a bit of an epoch file rots',
    proofs: [
      test('disk/epoch-files', 'are a guess when the files make no sense (S21, D10)'),
      test(
        'disk/epoch-files',
        'are found by the copy when they are less than they have been, and the promise is still known',
      ),
      test(
        'zab/later-promises',
        'a leader that hears of a later epoch from a voter leads again beyond it, and has that voter then',
      ),
      test('zab/later-promises', 'no voter can make the ensemble elect more often than once in thirty seconds'),
      test('zab/later-promises', 'no claim of a voter takes more than half of all epochs'),
    ],
    guards: [
      {
        file: `${ADAPTERS}/epoch-files.ts`,
        text: 'if (!/^[0-9]{1,10}$/.test(line)) return null;',
        edits: [
          { file: 'adapters/disk/epoch-files.js', find: 'if (!/^[0-9]{1,10}$/.test(line))', put: "if (line === '')" },
        ],
      },
      {
        file: `${ADAPTERS}/epoch-files.ts`,
        text: 'if (copy && (accepted ?? 0) < copy.accepted)',
        edits: [
          {
            file: 'adapters/disk/epoch-files.js',
            find: 'if (copy && (accepted ?? 0) < copy.accepted)',
            put: 'if (false)',
          },
        ],
      },
    ],
    missing:
      'an epoch that has become a greater one is told from what a crash, or Apache, leaves only where the files contradict each ' +
      "other: a leader goes beyond such an acceptedEpoch, but Apache's does not, and currentEpoch is believed up to acceptedEpoch",
  },
  {
    id: 'D11',
    title: 'a full disk leaves a log file without a record, or without a header',
    proofs: [
      test('log/recovery', 'a torn tail in the middle is accepted when the next file continues, and only then'),
      test('disk/journal', 'stops at a full disk, whatever the byte'),
      test(
        'server/disk-failure',
        'gives up on a full disk, does no harm while it stays full, and recovers once there is room',
      ),
      test('server/disk-failure', 'does not start when the first snapshot cannot be written'),
    ],
    guards: [
      {
        file: `${CORE}/log/log-replay.ts`,
        text: "if (end.kind === 'empty' || (end.kind === 'clean' && end.records === 0)) {",
        edits: [
          {
            file: 'core/log/log-replay.js',
            find: "if (end.kind === 'empty' || (end.kind === 'clean' && end.records === 0)) {",
            put: 'if (false) {',
          },
        ],
      },
    ],
  },
  {
    id: 'D12',
    title: 'a disk is full in the middle of a snapshot, and half a snapshot counts as the newest',
    proofs: [
      test(
        'disk/snapshot-files',
        'tell of a failing disk when finished, and leave no file that could be taken for a snapshot',
      ),
      test('disk/snapshot-files', 'are cleared of what a crash left unfinished'),
      test(
        'server/disk-failure',
        'gives up on a full disk, does no harm while it stays full, and recovers once there is room',
      ),
    ],
    guards: [
      {
        file: `${ADAPTERS}/snapshot-files.ts`,
        text: 'if (error !== null) return this.#giveUp(error);',
        edits: [
          {
            file: 'adapters/disk/snapshot-files.js',
            find: 'if (error !== null)\n                return this.#giveUp(error);',
            put: '',
          },
        ],
      },
    ],
  },
  {
    id: 'D13',
    title: 'the newest snapshots are invalid, and the purge removes the last good one',
    proofs: [
      test('disk/purge', 'does not count snapshots that are not valid, nor remove those that are newer'),
      test('disk/purge', 'removes nothing without a valid snapshot'),
      test('disk/crash', 'loses nothing acknowledged, ${mode}'),
    ],
    guards: [
      {
        file: `${ADAPTERS}/purge.ts`,
        text: 'const valid = snapshots.filter((file) => isLikelySnapshot(disk, `${snapshotFolder}/${file.name}`));',
        edits: [
          {
            file: 'adapters/disk/purge.js',
            find: 'snapshots.filter((file) => isLikelySnapshot(disk, `${snapshotFolder}/${file.name}`));',
            put: 'snapshots;',
          },
        ],
      },
    ],
  },
  {
    id: 'D14',
    title: 'lost or unreadable snapshots are taken for an empty database',
    proofs: [
      test('log/recovery', 'snapshots that cannot be loaded are not taken for an empty database'),
      test('log/recovery', 'logs without a snapshot are replayed only when that is wished, and from their beginning'),
      test('ensemble/healing', 'a voter without snapshots and logs, whose epochs are left, has lost data'),
    ],
    guards: [
      {
        file: `${CORE}/log/recovery.ts`,
        text: 'if (chosen.candidates > 0) {',
        edits: [{ file: 'core/log/recovery.js', find: 'if (chosen.candidates > 0) {', put: 'if (false) {' }],
      },
      {
        file: `${CORE}/log/recovery.ts`,
        text: 'if (!options.trustEmptySnapshot) refuseEntriesWithoutSnapshot(replay);',
        edits: [{ file: 'core/log/recovery.js', find: 'if (!options.trustEmptySnapshot)', put: 'if (false)' }],
      },
    ],
  },
  {
    id: 'D15',
    title: 'a snapshot that is written while txns are applied holds half of a multi',
    proofs: [POINT_IN_TIME, ENDED_EVERYWHERE],
    guards: [
      {
        file: `${CORE}/tree/tree.ts`,
        text: 'this.#preImages?.beforeChange(slot);',
        edits: [{ file: 'core/tree/tree.js', find: 'this.#preImages?.beforeChange(slot);', put: '' }],
      },
    ],
  },
  {
    id: 'D16',
    title: 'the sessions of a snapshot are of another moment than its ephemerals',
    proofs: [POINT_IN_TIME, ENDED_EVERYWHERE],
    guards: [{ file: `${CORE}/tree/snapshot-writer.ts`, text: 'this.#encoder.begin(sessions.size);' }],
    byDesign:
      'all sessions are written in the step that fixes the zxid of the snapshot, before anything else can happen',
  },
  {
    id: 'D17',
    title: 'the end of a session is replayed on a tree that lacks some of its ephemerals, and the parents differ',
    proofs: [
      test('tree/data-tree.property', 'what replay over a fuzzy snapshot meets is no error'),
      test(
        'core/sessions',
        'the end of a session is logged without paths where old servers are to understand it, and deletes the same',
      ),
      ENDED_EVERYWHERE,
    ],
    guards: [
      {
        file: `${CORE}/tree/tree.ts`,
        text: 'if (zxid > this.longOf(parent, Field.pzxid)) {',
        edits: [
          {
            file: 'core/tree/tree.js',
            find: 'if (zxid > this.longOf(parent, Field.pzxid)) {',
            put: 'if (zxid > this.longOf(parent, Field.pzxid) && this.store.find(bytes, start, end) !== NONE) {',
          },
        ],
      },
    ],
  },
  {
    id: 'D18',
    title: 'a znode of a snapshot refers to an access control list that is gone, or is another one by then',
    proofs: [test('tree/acl-match', 'while the table is held no number loses or changes its meaning'), POINT_IN_TIME],
    guards: [
      {
        file: `${CORE}/tree/acl-table.ts`,
        text: 'if (this.#holds > 0) this.#unused.push(id);',
        edits: [
          {
            file: 'core/tree/acl-table.js',
            find: 'if (this.#holds > 0)\n            this.#unused.push(id);\n        else',
            put: '',
          },
        ],
      },
    ],
  },
  {
    id: 'D19',
    title: 'a txn that can be written is too large to be read again',
    proofs: [
      test(
        'server/large-txn',
        'are read again: a session that closes with more names of ephemerals than a request may hold',
      ),
      test(
        'server/large-txn',
        'are refused: a multi whose access control lists grow with the identities of its client',
      ),
    ],
    guards: [
      {
        file: `${CORE}/preparation.ts`,
        text: 'return this.log.length + bytes + FIELD_BYTES <= this.logLimit;',
        edits: [
          {
            file: 'core/preparation.js',
            find: 'return this.log.length + bytes + FIELD_BYTES <= this.logLimit;',
            put: 'return true;',
          },
        ],
      },
    ],
  },
  {
    id: 'D20',
    title: 'a voter comes back with an empty disk, or an old one, and votes as if it had promised nothing',
    proofs: [
      test('election/blank-voter', 'a wiped voter does not elect a lagging one while the rest is away'),
      test('election/blank-voter', 'history that shows up late takes the vote away again'),
      test('ensemble/healing', 'a voter whose disk was wiped does not vote while one with history is there'),
      test('election/remembered-epochs', 'does not let one count that says less, but for who has been there too'),
    ],
    guards: [
      {
        file: `${CORE}/election/franchise.ts`,
        text: "if (this.#given !== 'blank' || (!this.#votes && !this.#waits)) return false;",
        edits: [
          {
            file: 'core/election/franchise.js',
            find: "if (this.#given !== 'blank' || (!this.#votes && !this.#waits))",
            put: 'if (true)',
          },
        ],
      },
      {
        file: `${CORE}/election/remembered-epochs.ts`,
        text: 'return was <= own;',
        edits: [{ file: 'core/election/remembered-epochs.js', find: 'return was <= own;', put: 'return true;' }],
      },
    ],
    missing:
      'a disk that was brought back as it was some time ago is told apart from one that was behind only where somebody who runs has ' +
      'heard of a later epoch',
  },
  {
    id: 'D21',
    title: 'a right record stands in a wrong place, or an old content is read again',
    proofs: [
      test(
        'log/recovery',
        'a record in the place of another is refused: a copy of one before, two that have changed places, another file (D21)',
      ),
      test(
        'log/recovery',
        'a broken record whose length passes the end of the file is no end of the log while whole ones stand behind it (D21)',
      ),
      test('disk/logged-mark', 'tells that a record was durable whose length now passes the end of the file (D21)'),
      test('disk/logged-mark', 'tells that a record was durable where now a copy of the one before stands (D21)'),
      test('disk/logged-mark', 'tells that a log has lost its end that looks whole, with another epoch behind it'),
    ],
    guards: [
      {
        file: `${CORE}/log/log-replay.ts`,
        text: 'if (end === undefined) return;',
        edits: [{ file: 'core/log/log-replay.js', find: 'if (end === undefined)', put: 'if (end !== 0)' }],
      },
      {
        file: `${CORE}/log/log-reader.ts`,
        text: 'if (zxid < this.#zxid) {',
        edits: [
          {
            file: 'core/log/log-reader.js',
            find: 'if (zxid < this.#zxid)',
            put: 'if (zxid < 0)',
          },
        ],
      },
      {
        file: `${CORE}/log/log-reader.ts`,
        text: "} else if (this.#broken === 'torn' && bodyEnd >= end && this.#holdsLaterRecord(bodyStart)) {",
        edits: [
          {
            file: 'core/log/log-reader.js',
            find: "this.#broken === 'torn' && bodyEnd >= end && this.#holdsLaterRecord(bodyStart)",
            put: 'false',
          },
        ],
      },
    ],
  },
  {
    id: 'D22',
    title: 'snapshots fail, and nobody is told but the log',
    proofs: [
      test('server/disk-failure', 'gives up when a snapshot cannot be written, whichever operation of it fails'),
      test(
        'disk/snapshot-files',
        'tell of a failing disk when finished, and leave no file that could be taken for a snapshot',
      ),
    ],
    guards: [
      {
        file: 'packages/server/src/driver/driver.ts',
        text: 'if (error !== null) return this.#fail(error);',
        edits: [
          {
            file: 'driver/driver.js',
            find: 'if (error !== null)\n                    return this.#fail(error);',
            put: '',
          },
        ],
      },
    ],
  },
  {
    id: 'D23',
    title: 'two processes write into one data directory',
    proofs: [
      test('disk/data-dir', 'keeps out a second server, and says who holds it'),
      test('disk/data-dir', 'is taken over from a process that is gone'),
      {
        command: 'node interop/dist/crash/main.js --times 100',
        file: 'interop/crash/endings.ts',
        part: 'a second process is refused while the first one serves',
      },
    ],
    guards: [
      {
        file: `${ADAPTERS}/folder-lock.ts`,
        text: 'if (holder !== null && isAlive(holder)) throw new FolderInUse(folder, holder.pid, holder.host);',
        edits: [
          { file: 'adapters/disk/folder-lock.js', find: 'if (holder !== null && isAlive(holder))', put: 'if (false)' },
        ],
      },
    ],
  },
  {
    id: 'D24',
    title: 'a server whose tree differs from its leader’s goes on serving it',
    proofs: [{ scenario: 'D24' }],
  },
  {
    id: 'D25',
    title: 'a disk becomes slow, and everybody waits for it',
    proofs: [{ scenario: 'D25' }],
  },
  {
    id: 'D26',
    title: 'a server reads a file of another release, with records that it does not know',
    proofs: [
      test(
        'log/recovery',
        'a txn that cannot be decoded is refused with its place; other errors of the state pass through',
      ),
      test('log/snapshot', 'the trailers are told apart by what is left'),
      test(
        'log/torn-log',
        "${name}: ${typeof expect === 'string' ? 'refused' : 'started'}${apache === undefined ? '' : ` (Apache ${apache})`}",
      ),
    ],
    guards: [
      {
        file: `${CORE}/log/log-replay.ts`,
        text: "'unreadable-txn',",
        edits: [
          {
            file: 'core/log/log-replay.js',
            find: "throw new RecoveryRefused('unreadable-txn',",
            put: "void new RecoveryRefused('unreadable-txn',",
          },
        ],
      },
    ],
  },
];
