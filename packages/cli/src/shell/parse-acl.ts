import type { Acl } from '@headkeeper/client';
import { permissionsOf } from '../history/value-text.ts';
import { ShellError } from './shell-error.ts';

/**
 * Reads `scheme:id:perms,scheme:id:perms`; an id may hold colons.
 *
 * @throws ShellError for anything else.
 */
export function parseAcl(text: string): Acl[] {
  return text.split(',').map((entry) => {
    const first = entry.indexOf(':');
    const last = entry.lastIndexOf(':');
    if (first < 0 || first === last) throw new ShellError(`${entry} does not have the form scheme:id:perm`);
    const letters = entry.slice(last + 1);
    const perms = /^[rwcda]*$/.test(letters) ? permissionsOf([...new Set(letters)].join('')) : null;
    if (perms === null) throw new ShellError(`Unknown perm type: ${letters.replace(/[rwcda]/g, '').charAt(0)}`);
    return { scheme: entry.slice(0, first), id: entry.slice(first + 1, last), perms };
  });
}
