/** A system property given outside of the configuration file. */
export interface SystemProperty {
  /** With or without `zookeeper.` in front. */
  readonly name: string;
  readonly value: string;
  /** Where it was given, for messages: `JVMFLAGS`, `-D`. */
  readonly origin: string;
  /**
   * Whether it wins over the file. What the environment gives does not (Apache's server reads the file last); what the
   * command line gives does.
   */
  readonly overridesFile: boolean;
}

/**
 * The `-Dname=value` words of a variable like JVMFLAGS; everything else in it is for a Java machine and left out. Words
 * are separated by blanks; quotes and backslashes protect blanks as in a shell. A word without `=` gets an empty value.
 */
export function propertiesFromFlags(flags: string, origin: string): SystemProperty[] {
  const properties: SystemProperty[] = [];
  for (const word of shellWords(flags)) {
    if (word.startsWith('-D')) properties.push(propertyFromOption(word.slice(2), origin, false));
  }
  return properties;
}

/** One `name=value`, as it follows `-D`. */
export function propertyFromOption(text: string, origin = '-D', overridesFile = true): SystemProperty {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  return { name, value: equals < 0 ? '' : text.slice(equals + 1), origin, overridesFile };
}

/** What SERVER_JVMFLAGS, JVMFLAGS and ZOO_DATADIR_AUTOCREATE_DISABLE of an environment say; a later one wins. */
export function propertiesFromEnvironment(env: Readonly<Record<string, string | undefined>>): SystemProperty[] {
  const properties = ['SERVER_JVMFLAGS', 'JVMFLAGS'].flatMap((name) => propertiesFromFlags(env[name] ?? '', name));
  const origin = 'ZOO_DATADIR_AUTOCREATE_DISABLE';
  if (env[origin]) {
    properties.push({ name: 'zookeeper.datadir.autocreate', value: 'false', origin, overridesFile: false });
  }
  return properties;
}

/** The words of a line as a shell would cut them. */
function shellWords(text: string): string[] {
  const words = text.match(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/gs) ?? [];
  return words.map((word) =>
    word.replace(/\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'/gs, (_, escaped?: string, double?: string, single?: string) => {
      if (escaped !== undefined) return escaped;
      return double === undefined ? (single ?? '') : double.replace(/\\(["\\])/g, '$1');
    }),
  );
}
