import { readFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, parseServerConfig, type ServerConfig } from '@headkeeper/server';
import {
  BackupError,
  type BackupKey,
  BackupRepository,
  type BackupTarget,
  limitBandwidth,
  limits,
  openTarget,
  RecoveryRefused,
  RestoreRefused,
  readKeyFile,
  TargetError,
  type TargetPlace,
} from '@headkeeper/server/internal';
import type { Command } from 'commander';
import { CommandError, ExitCode } from '../exit-codes.ts';

/** Which backup a command is about: the one that a server's configuration names, or an address. */
export interface RepositoryOptions {
  readonly config?: string;
  readonly target?: string;
  readonly endpoint?: string;
  readonly region?: string;
  readonly keyFile?: string;
}

/** A backup that a command works with. */
export interface OpenBackup {
  readonly repository: BackupRepository;
  /** The configuration that names it; null when the command line does. */
  readonly config: ServerConfig | null;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
}

export function addRepositoryOptions(command: Command): Command {
  return command
    .option('--config <zoo.cfg>', "the backup that a server's configuration names")
    .option('--target <url>', 'the backup: a folder, file:///folder or s3://bucket/prefix')
    .option('--endpoint <url>', 'address of the S3-compatible server')
    .option('--region <name>', 'region of the bucket')
    .option('--key-file <file>', 'key of an encrypted backup');
}

/**
 * Opens the backup that the options name, runs the work on it and closes it. `create`: a target without a backup gets one.
 *
 * @throws CommandError for what is wrong with the options, the target, the backup or a directory.
 */
export async function withBackup<T>(
  options: RepositoryOptions,
  create: boolean,
  work: (backup: OpenBackup) => Promise<T>,
): Promise<T> {
  const config = options.config === undefined ? null : readConfig(options.config);
  const interrupt = new AbortController();
  const stop = (): void => interrupt.abort(new CommandError('interrupted', ExitCode.interrupted));
  process.once('SIGINT', stop);
  let target: BackupTarget | null = null;
  try {
    const key = await keyOf(options, config);
    target = limited(await openTarget(placeOf(options, config), process.env), config);
    const { signal } = interrupt;
    const repository = create
      ? await BackupRepository.openOrCreate(target, key, Date.now(), signal, recordBytes(config))
      : await BackupRepository.open(target, key, signal, recordBytes(config));
    return await work({ repository, config, signal });
  } catch (error) {
    throw explained(error);
  } finally {
    process.removeListener('SIGINT', stop);
    await target?.close();
  }
}

/** The longest record that a server with this configuration writes, if that is more than any is believed to be. */
function recordBytes(config: ServerConfig | null): number {
  const configured = config === null ? 0 : config.juteMaxBuffer + config.juteMaxBufferExtra;
  return Math.max(limits.backupRecordBytes, configured);
}

/** @throws CommandError */
export function readConfig(file: string): ServerConfig {
  try {
    return parseServerConfig(readFileSync(file, 'utf8'), { file, properties: [] });
  } catch (error) {
    if (error instanceof ConfigError) {
      throw new CommandError(`${file} cannot be used:\n  ${error.problems.join('\n  ')}`, ExitCode.usage);
    }
    throw new CommandError(`cannot read ${file}: ${(error as Error).message}`, ExitCode.usage);
  }
}

function placeOf(options: RepositoryOptions, config: ServerConfig | null): TargetPlace {
  const url = options.target ?? config?.backupTarget ?? null;
  if (url === null) {
    throw new CommandError(
      config === null
        ? 'say which backup: --config zoo.cfg, or --target with a folder or s3://bucket/prefix'
        : `${options.config} names no backup: set backup.target, or give --target`,
      ExitCode.usage,
    );
  }
  // The rest of a configuration is about its own target.
  const own = options.target === undefined ? config : null;
  return {
    url,
    endpoint: options.endpoint ?? own?.backupS3Endpoint ?? null,
    region: options.region ?? own?.backupS3Region ?? null,
    pathStyle: options.endpoint === undefined ? (own?.backupS3PathStyle ?? null) : null,
  };
}

async function keyOf(options: RepositoryOptions, config: ServerConfig | null): Promise<BackupKey | null> {
  const file = options.keyFile ?? config?.backupKeyFile ?? null;
  return file === null ? null : readKeyFile(file);
}

function limited(target: BackupTarget, config: ServerConfig | null): BackupTarget {
  const bytesPerSecond = config?.backupBandwidth ?? 0;
  if (bytesPerSecond <= 0) return target;
  return limitBandwidth(target, bytesPerSecond, {
    now: () => performance.now(),
    pause: (ms, signal) => sleep(ms, undefined, { signal }),
  });
}

/** What a user can do something about needs no stack. */
function explained(error: unknown): unknown {
  if (error instanceof TargetError) return new CommandError(error.message, ExitCode.target);
  if (error instanceof BackupError) return new CommandError(error.message, exitCodeOf(error));
  if (error instanceof RecoveryRefused) return new CommandError(error.message, ExitCode.dataDirectory);
  if (error instanceof RestoreRefused) {
    if (error.problem === 'disk') return new CommandError(error.message, ExitCode.disk);
    if (error.problem === 'no-such-change') return new CommandError(error.message, ExitCode.notCovered);
    return new CommandError(error.message, error.problem === 'epoch' ? ExitCode.usage : ExitCode.dataDirectory);
  }
  const { syscall } = error as NodeJS.ErrnoException;
  return syscall === undefined ? error : new CommandError((error as Error).message);
}

function exitCodeOf({ problem }: BackupError): number {
  switch (problem) {
    case 'gap':
    case 'not-covered':
      return ExitCode.notCovered;
    case 'unfit':
      return ExitCode.dataDirectory;
    default:
      return ExitCode.backup;
  }
}
