/**
 * Makes what is published, a tarball for each package, and holds it against what npm and TypeScript users can take:
 *
 *   node scripts/dist/pack-packages.js [FOLDER]    FOLDER: where the tarballs go, dist/packages unless given
 *
 * The client carries `@headkeeper/protocol` inside, so that it depends on nothing. Fails when publint or arethetypeswrong
 * finds anything, when the client's types lead out of its package, or when it is larger than it may be.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { isMain, type ProjectPackage, projectPackages, projectRoot, reportProblems } from './project-files.ts';
import { importsOf, scanSource } from './source-text.ts';

const CLIENT = '@headkeeper/client';
const PROTOCOL = '@headkeeper/protocol';
/** Minified and compressed, of the client's front door with all that it brings. */
const MOST_CLIENT_BYTES = 25_000;

/** Copies what a package publishes. */
function stage({ folder, manifest }: ProjectPackage, into: string): void {
  const from = path.join(projectRoot, folder);
  const {
    devDependencies: _,
    scripts: __,
    ...published
  } = manifest as typeof manifest & { readonly files: readonly string[] };
  mkdirSync(into, { recursive: true });
  for (const file of published.files) cpSync(path.join(from, file), path.join(into, file), { recursive: true });
  for (const file of ['README.md', 'CHANGELOG.md']) {
    if (existsSync(path.join(from, file))) cpSync(path.join(from, file), path.join(into, file));
  }
  for (const file of ['LICENSE', 'NOTICE']) cpSync(path.join(projectRoot, file), path.join(into, file));
  write(into, published);
}

function write(folder: string, manifest: object): void {
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Puts the protocol into the client, and drops the dependency. Returns what is wrong with the types. */
async function joinProtocol(folder: string): Promise<string[]> {
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as ProjectPackage['manifest'];
  const { dependencies: _, ...rest } = manifest;
  write(folder, rest);
  const emitted = path.join(folder, 'dist/src');
  const doors = ['index', 'internal'];
  const types = typesBehind(
    emitted,
    doors.map((door) => `${door}.d.ts`),
  );
  const texts = new Map([...types].map((file) => [file, readFileSync(path.join(emitted, file), 'utf8')]));
  rmSync(emitted, { recursive: true });
  for (const [file, text] of texts) {
    mkdirSync(path.dirname(path.join(emitted, file)), { recursive: true });
    writeFileSync(path.join(emitted, file), text.replace(/\n?\/\/# sourceMappingURL=.*\n?$/, '\n'));
  }
  await build({
    entryPoints: doors.map((door) => path.join(projectRoot, `packages/client/dist/src/${door}.js`)),
    outdir: emitted,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    logLevel: 'warning',
  });
  return [...texts].flatMap(([file, text]) =>
    importsOf(scanSource(file, text))
      .map(({ specifier }) => specifier)
      .filter((specifier) => !specifier.startsWith('.'))
      .map((specifier) => `${CLIENT}: the types in ${file} import ${specifier}, which is not in the package`),
  );
}

/** The declarations that these lead to. */
function typesBehind(folder: string, doors: readonly string[]): Set<string> {
  const seen = new Set<string>();
  const toVisit = [...doors];
  for (let file = toVisit.pop(); file !== undefined; file = toVisit.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    for (const { specifier } of importsOf(scanSource(file, readFileSync(path.join(folder, file), 'utf8')))) {
      if (specifier.startsWith('.')) {
        toVisit.push(path.posix.join(path.posix.dirname(file), specifier.replace(/\.(ts|js)$/, '.d.ts')));
      }
    }
  }
  return seen;
}

/** Bytes of the client's front door, minified and compressed. */
async function clientBytes(): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: [path.join(projectRoot, 'packages/client/dist/src/index.js')],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
  });
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
}

/** What publint says, its suggestions included. */
async function publintProblems(name: string, folder: string): Promise<string[]> {
  const { messages, pkg } = await publint({ pkgDir: folder, level: 'suggestion', strict: true });
  return messages.map((message) => `${name}: publint: ${formatMessage(message, pkg, { color: false })}`);
}

/** What arethetypeswrong says of a tarball, for users of ES modules. */
function typeProblems(name: string, tarball: string): string[] {
  const command = path.join(projectRoot, 'node_modules/.bin/attw');
  try {
    execFileSync(command, [tarball, '--profile', 'esm-only', '--no-color', '--no-emoji'], { encoding: 'utf8' });
    return [];
  } catch (error) {
    return [
      `${name}: arethetypeswrong:\n${(error as { readonly stdout?: string }).stdout ?? (error as Error).message}`,
    ];
  }
}

if (isMain(import.meta.url)) {
  const target = path.resolve(process.argv[2] ?? path.join(projectRoot, 'dist/packages'));
  const work = mkdtempSync(path.join(tmpdir(), 'headkeeper-pack-'));
  const problems: string[] = [];
  const published = projectPackages(projectRoot).filter(({ manifest }) => manifest.private !== true);
  mkdirSync(target, { recursive: true });
  try {
    for (const project of published) {
      const { name } = project.manifest;
      const folder = path.join(work, name);
      stage(project, folder);
      if (name === CLIENT) problems.push(...(await joinProtocol(folder)));
      const packed = execFileSync('npm', ['pack', '--json', '--silent', '--pack-destination', target], {
        cwd: folder,
        encoding: 'utf8',
      });
      const [{ filename, size }] = JSON.parse(packed) as [{ readonly filename: string; readonly size: number }];
      problems.push(...(await publintProblems(name, folder)));
      // A program of which nothing is imported has no types.
      if (Object.hasOwn(project.manifest, 'exports')) problems.push(...typeProblems(name, path.join(target, filename)));
      console.log(`${filename}: ${size} bytes`);
    }
    const bytes = await clientBytes();
    console.log(
      `${CLIENT}, minified and compressed, with ${PROTOCOL} inside: ${bytes} of at most ${MOST_CLIENT_BYTES} bytes`,
    );
    if (bytes > MOST_CLIENT_BYTES) problems.push(`${CLIENT} is larger than ${MOST_CLIENT_BYTES} bytes`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  reportProblems('pack-packages', problems, `${published.length} packages in ${path.relative(projectRoot, target)}`);
}
