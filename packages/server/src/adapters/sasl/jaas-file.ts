import type { DigestCredentials } from '../../core/sasl/digest-md5.ts';

const DIGEST_MODULE = 'org.apache.zookeeper.server.auth.DigestLoginModule';
const KERBEROS_MODULE = 'com.sun.security.auth.module.Krb5LoginModule';
const USER_PREFIX = 'user_';

/** A section of a JAAS file: what its login module is told. */
export interface JaasSection {
  readonly module: string;
  readonly options: ReadonlyMap<string, string>;
}

/** The file cannot be read, or has not what is needed; the message names the section or the line, never a password. */
export class JaasError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JaasError';
  }
}

/**
 * Reads a JAAS login configuration: `Name { module flag key="value" ...; };`, comments as in Java. Of several modules in
 * one section the first counts. Throws `JaasError`.
 */
export function parseJaas(text: string): Map<string, JaasSection> {
  const tokens = tokensOf(text);
  const sections = new Map<string, JaasSection>();
  let at = 0;
  const take = (what: string): string => {
    const token = tokens[at++];
    if (token === undefined) throw new JaasError(`the JAAS file ends where ${what} should be`);
    return token.text;
  };
  const expect = (mark: string): void => {
    const line = tokens[at]?.line;
    if (take(`"${mark}"`) !== mark) throw new JaasError(`line ${line} of the JAAS file: "${mark}" is missing`);
  };
  const module = (): JaasSection => {
    const name = take('a login module');
    take('"required"');
    const options = new Map<string, string>();
    while (tokens[at] !== undefined && tokens[at]?.text !== ';') {
      const key = take('an option');
      expect('=');
      options.set(key, take(`the value of ${key}`));
    }
    expect(';');
    return { module: name, options };
  };
  while (at < tokens.length) {
    const name = take('a section');
    expect('{');
    const first = module();
    while (tokens[at] !== undefined && tokens[at]?.text !== '}') module();
    expect('}');
    expect(';');
    sections.set(name, first);
  }
  return sections;
}

/** What Java's module for Kerberos is told of a service's key. */
export interface KeytabLogin {
  readonly keytab: string;
  /** With or without its realm; null: all that the keytab has keys of. */
  readonly principal: string | null;
}

/** The key that a section names for Kerberos; null: its module is another one. Throws `JaasError`. */
export function keytabLogin(sections: ReadonlyMap<string, JaasSection>, name: string): KeytabLogin | null {
  const section = sections.get(name);
  if (section?.module !== KERBEROS_MODULE) return null;
  const keytab = section.options.get('keyTab');
  if (keytab === undefined || section.options.get('useKeyTab')?.toLowerCase() !== 'true') {
    throw new JaasError(
      `the JAAS section ${name} needs useKeyTab=true and keyTab="...": a service logs in by its keytab`,
    );
  }
  const principal = section.options.get('principal') ?? '*';
  return { keytab: keytab.replace(/^FILE:/, ''), principal: principal === '*' ? null : principal };
}

/** The names and passwords that a server's section lists as `user_NAME="password"`. Throws `JaasError`. */
export function serverUsers(sections: ReadonlyMap<string, JaasSection>, name: string): Map<string, string> {
  const users = new Map<string, string>();
  for (const [key, value] of digestSection(sections, name).options) {
    if (key.startsWith(USER_PREFIX)) users.set(key.slice(USER_PREFIX.length), value);
  }
  if (users.size === 0) throw new JaasError(`the JAAS section ${name} lists no user_NAME="password"`);
  return users;
}

/** The name and password that a learner's section gives as `username` and `password`. Throws `JaasError`. */
export function learnerCredentials(sections: ReadonlyMap<string, JaasSection>, name: string): DigestCredentials {
  const { options } = digestSection(sections, name);
  const [user, password] = [options.get('username'), options.get('password')];
  if (user === undefined || password === undefined) {
    throw new JaasError(`the JAAS section ${name} needs username="..." and password="..."`);
  }
  return { user, password };
}

function digestSection(sections: ReadonlyMap<string, JaasSection>, name: string): JaasSection {
  const section = sections.get(name);
  if (section === undefined) throw new JaasError(`the JAAS file has no section ${name}`);
  if (section.module !== DIGEST_MODULE) {
    throw new JaasError(`the JAAS section ${name} uses ${section.module}; only ${DIGEST_MODULE} is supported`);
  }
  return section;
}

interface Token {
  readonly text: string;
  readonly line: number;
}

function tokensOf(text: string): Token[] {
  const pattern =
    /\s+|\/\/[^\n]*|#[^\n]*|\/\*[\s\S]*?\*\/|"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'|([{};=])|([^\s{};="']+)/gy;
  const tokens: Token[] = [];
  let line = 1;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null) throw new JaasError(`line ${line} of the JAAS file cannot be read`);
    const [whole, double, single, mark, word] = match;
    const quoted = double ?? single;
    if (quoted !== undefined) tokens.push({ text: quoted.replace(/\\(.)/g, '$1'), line });
    else if (mark !== undefined || word !== undefined) tokens.push({ text: (mark ?? word) as string, line });
    line += whole.split('\n').length - 1;
  }
  return tokens;
}
