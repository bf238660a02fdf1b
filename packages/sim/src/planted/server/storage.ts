import { edit, type PlantedBug } from '../planted-bug.ts';

const JOURNAL = 'adapters/disk/journal-files.js';

/** Log files and snapshots. */
export const STORAGE_BUGS: readonly PlantedBug[] = [
  {
    name: 'log file without a durable name',
    source: 'D08: the folder is not synced when a log file gets its name',
    profile: null,
    edits: [edit(JOURNAL, '                this.#disk.syncDir(this.#folder, named);', '                named(null);')],
  },
  {
    name: 'durable when written',
    source: 'D01, D02: what is written counts as synced',
    profile: null,
    edits: [
      edit(JOURNAL, '            file.dataSync(synced);', '            synced(null);'),
      edit(JOURNAL, '            file.dataSyncSync();\n        });', '        });'),
    ],
  },
  {
    name: 'checksums not compared',
    source: 'D03: what a crash has torn is read as a record',
    profile: null,
    edits: [
      edit(
        'core/log/record-codec.js',
        '            this.#view.getUint32(at + 4) !== adler32(this.#bytes, this.bodyStart, bodyEnd)) {',
        '            false) {',
      ),
    ],
  },
  {
    name: 'unfinished record refused',
    source: 'D03, D11: a server does not start on what a power cut has left of its last write',
    profile: null,
    edits: [
      edit(
        'core/log/log-replay.js',
        "if (end.kind === 'torn') {",
        "if (end.kind === 'torn') {\n            throw this.#refuseDoubt(log.name, end);",
      ),
    ],
  },
  {
    name: 'an epoch that has lost its end',
    source:
      'D21: the end of a log is zeros, from between two records on, and another epoch follows: it counts as whole',
    profile: null,
    disk: true,
    edits: [edit('core/log/log-replay.js', 'if (end === undefined)', 'if (end !== 0)')],
  },
  {
    name: 'an epoch that does not note its end',
    source: 'D21: as above, for nobody has noted where an epoch ended when the next one began',
    profile: null,
    disk: true,
    edits: [
      edit(
        'adapters/disk/logged-mark.js',
        'return zxid !== this.#lastZxid + 1 && counterOf(this.#lastZxid) > 0;',
        'return false;',
      ),
    ],
  },
  {
    name: 'fuzzy snapshot',
    source: 'D15, ZOOKEEPER-3127: a snapshot holds changes behind its zxid, which are made again when it is read',
    profile: null,
    edits: [edit('core/tree/snapshot-writer.js', '        tree.keepPreImages(this);\n', '')],
  },
];
