import type { Disk } from '../ports.ts';

const ONE = 0x31;

/**
 * The oracle of an ensemble of two: a file that somebody else keeps, which begins with `1` while this server may go on without
 * the other one (quorum-protocol reference, 13.2). It is read each time. A file that cannot be read grants nothing.
 *
 * @param path absolute.
 * @param changed told of each change of what it says, and why it cannot be read.
 */
export function fileOracle(disk: Disk, path: string, changed: (message: string) => void): () => boolean {
  const first = new Uint8Array(1);
  let said: string | null = null;
  return () => {
    let grants = false;
    let saying: string;
    try {
      const source = disk.openReadSync(path);
      try {
        grants = source.readSync(first, 0, 1, 0) === 1 && first[0] === ONE;
      } finally {
        source.closeSync();
      }
      saying = grants ? 'this server may go on alone' : 'this server may not go on alone';
    } catch (error) {
      saying = `this server may not go on alone: ${(error as Error).message}`;
    }
    if (saying !== said) changed(`oracle: ${saying}`);
    said = saying;
    return grants;
  };
}
