/**
 * How znodes are named in a tar file: each is a folder, with its data (none for null) in `%data` and the rest of it in
 * `%meta.json`. A name of a znode that begins with `%` gets one more, so that nothing is mistaken.
 */
export const HEAD_NAME = '%export.json';
export const META_NAME = '%meta.json';
export const DATA_NAME = '%data';

/** The folder of a znode, with a slash at its end; empty for the top. */
export function folderOf(relativePath: string): string {
  if (relativePath === '/') return '';
  return `${relativePath
    .slice(1)
    .split('/')
    .map((name) => (name.startsWith('%') ? `%${name}` : name))
    .join('/')}/`;
}

/** The znode of a file in the tar file, and which of its files it is; null when it is none of ours. */
export function parseName(name: string): { readonly folder: string; readonly file: string } | null {
  const slash = name.lastIndexOf('/');
  const file = name.slice(slash + 1);
  return file === META_NAME || file === DATA_NAME ? { folder: name.slice(0, slash + 1), file } : null;
}
