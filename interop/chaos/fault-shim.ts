/** The library that makes the disk and the wall clock of a server process fail (shim/fault_shim.c), and how it is told to. */

import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { nameFor } from '../peers/client-programs.ts';
import { run } from '../peers/command.ts';
import { cCompiler, installOnce, repositoryRoot, requireCommands } from '../peers/peer-cache.ts';

const CONTROL_BYTES = 4096;
const RULES_AT = 8;

/** Error numbers of Linux. */
export const ErrorNumber = { EIO: 5, ENOSPC: 28 } as const;

export interface DiskRule {
  readonly op: 'read' | 'write' | 'sync';
  readonly error: keyof typeof ErrorNumber;
  /** Bytes of the file, `to` not included; a sync fails whatever they are. */
  readonly from: number;
  readonly to: number;
  /** A part of the file's path. */
  readonly name: string;
}

/** What one process is to suffer; it can change while the process runs. */
export class FaultControl {
  readonly #path: string;
  readonly #library: string;

  private constructor(path: string, library: string) {
    this.#path = path;
    this.#library = library;
    writeFileSync(path, new Uint8Array(CONTROL_BYTES));
  }

  /** Compiles the library if it has changed; `path`: the file by which the process is told. */
  static async make(path: string): Promise<FaultControl> {
    await requireCommands([cCompiler]);
    const source = join(repositoryRoot, 'interop/chaos/shim/fault_shim.c');
    const folder = await installOnce(nameFor('fault-shim', [source]), async (fresh) => {
      const out = join(fresh, 'fault_shim.so');
      await run(['gcc', '-O1', '-Wall', '-Wextra', '-shared', '-fPIC', '-o', out, source, '-ldl']);
    });
    return new FaultControl(path, join(folder, 'fault_shim.so'));
  }

  /** For the environment of the process. */
  get env(): Readonly<Record<string, string>> {
    return { LD_PRELOAD: this.#library, CHAOS_CONTROL: this.#path };
  }

  /** Moves the wall clock: milliseconds beyond the true time. */
  shiftClock(ms: number): void {
    const bytes = Buffer.alloc(RULES_AT);
    bytes.writeBigInt64LE(BigInt(Math.round(ms * 1_000_000)));
    this.#write(bytes, 0);
  }

  /** From now on these rules hold, and no others. */
  setRules(rules: readonly DiskRule[]): void {
    const lines = rules.map(
      ({ op, error, from, to, name }) => `${op[0]} ${ErrorNumber[error]} ${from} ${to} ${name}\n`,
    );
    const bytes = Buffer.from(`${lines.join('')}\0`);
    if (RULES_AT + bytes.length > CONTROL_BYTES) throw new RangeError('too many rules');
    this.#write(bytes, RULES_AT);
  }

  #write(bytes: Uint8Array, at: number): void {
    const file = openSync(this.#path, 'r+');
    writeSync(file, bytes, 0, bytes.length, at);
    closeSync(file);
  }
}
