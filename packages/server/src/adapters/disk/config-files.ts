import { basename, dirname, resolve } from 'node:path';
import type { ConfigStore, Disk, StoredMembership } from '../../ports.ts';
import { removeDurably, writeDurably } from './durable-file.ts';
import { readWhole } from './recovery-files.ts';

/** How the files are named and what they say; `config/dynamic-config.ts` in production. */
export interface ConfigFileForms {
  dynamicFileName(configFile: string, version: number): string;
  nextFileName(configFile: string): string;
  staticFileText(text: string, dynamicFile: string, withoutClient: boolean): string;
}

export interface ConfigFilesOptions {
  readonly disk: Disk;
  /** The configuration file. */
  readonly file: string;
  readonly sid: number;
  /** Version of the proposal that the start found in its file; null when there was none. */
  readonly lastSeenVersion: number | null;
  readonly forms: ConfigFileForms;
}

/**
 * Keeps the membership in files beside the configuration file, as Apache ZooKeeper does. Every file is written under
 * another name, synced and renamed, so that it is whole or not there; the order of the steps makes a crash between any two
 * of them harmless: the configuration file names the old members until it names the new ones, and the proposal stays
 * until then.
 *
 * Source of the rules: quorum-protocol reference, 13.6.
 */
export class ConfigFiles implements ConfigStore {
  readonly #disk: Disk;
  readonly #file: string;
  readonly #sid: number;
  readonly #forms: ConfigFileForms;
  /** Version of the proposal whose file is there; null when there is none. */
  #lastSeen: number | null;

  constructor(options: ConfigFilesOptions) {
    this.#disk = options.disk;
    // Its name goes into the file itself, which may be read from another folder.
    this.#file = resolve(options.file);
    this.#sid = options.sid;
    this.#forms = options.forms;
    this.#lastSeen = options.lastSeenVersion;
  }

  /** Keeps a copy of the configuration file in `<file>.bak`, before the members are taken out of it. */
  backUp(): void {
    this.#replace(`${this.#file}.bak`, readWhole(this.#disk, this.#file));
  }

  writeCommitted(membership: StoredMembership): void {
    const { version } = membership;
    const dynamicFile = this.#forms.dynamicFileName(this.#file, version);
    this.#replace(dynamicFile, encode(membership.toFileText(false)));
    const text = new TextDecoder().decode(readWhole(this.#disk, this.#file));
    const hasClient = (membership.members.get(this.#sid)?.client ?? null) !== null;
    this.#replace(this.#file, encode(this.#forms.staticFileText(text, dynamicFile, hasClient)));
    if (this.#lastSeen === null || this.#lastSeen <= version) this.dropLastSeen();
  }

  writeLastSeen(membership: StoredMembership): void {
    this.#replace(this.#forms.nextFileName(this.#file), encode(membership.toFileText(true)));
    this.#lastSeen = membership.version;
  }

  dropLastSeen(): void {
    const path = this.#forms.nextFileName(this.#file);
    this.#lastSeen = null;
    removeDurably(this.#disk, dirname(path), basename(path));
  }

  #replace(path: string, bytes: Uint8Array): void {
    writeDurably(this.#disk, dirname(path), basename(path), bytes);
  }
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
