import { KerberosError } from './encryption.ts';

/** How principals become the names that access control lists use (`zookeeper.security.auth_to_local` and its sisters). */
export interface NameRules {
  readonly rules: readonly NameRule[];
  readonly removesHost: boolean;
  readonly removesRealm: boolean;
  /** The realm of the rule DEFAULT. */
  readonly defaultRealm: string;
}

/** One rule of `auth_to_local`, as MIT Kerberos and Hadoop write them. */
export type NameRule =
  | { readonly kind: 'default' }
  | {
      readonly kind: 'rule';
      readonly components: number;
      readonly format: string;
      readonly matches: RegExp | null;
      readonly replaces: RegExp | null;
      readonly by: string;
      readonly isLower: boolean;
    };

/** `DEFAULT`, or `RULE:[n:format](match)s/from/to/g/L`, with most parts left out. */
const RULE =
  /\s*(?:(DEFAULT)|RULE:\[(\d+):([^\]]*)\](?:\(([^)]*)\))?(?:s\/([^/]*)\/([^/]*)\/(g)?)?(?:\/(L))?)(?=\s|$)/gy;

/** Reads the value of `security.auth_to_local`, rules separated by blanks or lines. Throws `KerberosError` naming what is no rule. */
export function parseNameRules(text: string): NameRule[] {
  const rules: NameRule[] = [];
  RULE.lastIndex = 0;
  while (/\S/.test(text.slice(RULE.lastIndex))) {
    const from = RULE.lastIndex;
    const match = RULE.exec(text);
    if (match === null) throw new KerberosError(`${JSON.stringify(text.slice(from).trim())} begins with no rule`);
    const [, isDefault, components, format = '', matches, replaces, by = '', global, lower] = match;
    if (isDefault !== undefined) rules.push({ kind: 'default' });
    else {
      rules.push({
        kind: 'rule',
        components: Number(components),
        format,
        matches: matches === undefined ? null : expression(`^(?:${matches})$`, ''),
        replaces: replaces === undefined ? null : expression(replaces, global ?? ''),
        by: by.replace(/\$(?!\d)/g, '$$$$'),
        isLower: lower !== undefined,
      });
    }
  }
  return rules;
}

function expression(text: string, flags: string): RegExp {
  try {
    return new RegExp(text, flags);
  } catch (error) {
    throw new KerberosError((error as Error).message);
  }
}

/** What access control lists call a principal, as Apache's server does: a rule's word for it, then host and realm unless they go. */
export function nameOfPrincipal(principal: string, rules: NameRules): string {
  const at = principal.lastIndexOf('@');
  const realm = principal.slice(at + 1);
  const [primary = '', host] = principal.slice(0, at).split('/');
  const parts = host === undefined ? [realm, primary] : [realm, primary, host];
  for (const rule of rules.rules) {
    const short = shortName(rule, parts, rules.defaultRealm);
    if (short === null) continue;
    const named = host === undefined || rules.removesHost ? short : `${short}/${host}`;
    return rules.removesRealm ? named : `${named}@${realm}`;
  }
  return principal;
}

/** Null: the rule is for others. */
function shortName(rule: NameRule, parts: readonly string[], defaultRealm: string): string | null {
  if (rule.kind === 'default') return parts[0] === defaultRealm ? (parts[1] ?? null) : null;
  if (parts.length - 1 !== rule.components) return null;
  const base = rule.format.replace(/\$(\d+)/g, (_, number: string) => parts[Number(number)] ?? '');
  if (rule.matches !== null && !rule.matches.test(base)) return null;
  const replaced = rule.replaces === null ? base : base.replace(rule.replaces, rule.by);
  // What still looks like a principal is nobody's short name.
  if (/[/@]/.test(replaced))
    throw new KerberosError('a rule of security.auth_to_local leaves host or realm in the name');
  return rule.isLower ? replaced.toLowerCase() : replaced;
}
