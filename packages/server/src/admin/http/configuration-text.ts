/** Settings whose values nobody is shown, whether this server knows them or not. */
const SECRET = /^\s*[\w.-]*(passw|secret|superDigest|credential)[\w.-]*\s*[=:\s]/i;

/** A configuration file as it may be shown: passwords and the like are blotted out, which Apache does not do. */
export function withoutSecrets(text: string): string {
  let hidden = false;
  return text
    .split('\n')
    .map((line) => {
      const isSecret = hidden || SECRET.test(line);
      // A value goes on behind a backslash at the end of its line.
      hidden = isSecret && /\\\r?$/.test(line);
      return isSecret
        ? line.replace(/^(\s*[\w.-]+\s*[=:\s]\s*).*$|^.*$/, (_, name?: string) => `${name ?? ''}***`)
        : line;
    })
    .join('\n');
}
