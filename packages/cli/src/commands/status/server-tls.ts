import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { propertyOptions } from '../../connection/client-properties.ts';
import { CommandError, ExitCode } from '../../exit-codes.ts';

export interface StatusTlsOptions {
  readonly secure?: true;
  /** A server's configuration. */
  readonly tlsOf?: string;
}

/**
 * The TLS to ask a secure client port with: the stores that CLIENT_JVMFLAGS names as for the shell (`--secure`), or those of
 * the server itself, out of its configuration (`--tls-of`); null: none.
 *
 * @throws CommandError when the configuration or a store cannot be used.
 */
export async function statusTls(
  { secure, tlsOf }: StatusTlsOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ConnectionOptions | null> {
  if (tlsOf !== undefined) return serversOwn(tlsOf);
  if (!secure) return null;
  const { tls } = await propertyOptions(
    { clientConfiguration: null, properties: ['zookeeper.client.secure=true'] },
    env,
  );
  const { verifyServerName, ...options } = tls ?? {};
  return {
    ...(options as ConnectionOptions),
    ...(verifyServerName === false ? { checkServerIdentity: () => undefined } : {}),
  };
}

async function serversOwn(file: string): Promise<ConnectionOptions> {
  const { ConfigError, parseServerConfig } = await import('@headkeeper/server');
  const { configuredContext, tlsFamilyOf, TlsStoreError } = await import('@headkeeper/server/client-files');
  try {
    const config = parseServerConfig(readFileSync(file, 'utf8'), { file });
    return configuredContext(tlsFamilyOf(config, 'ssl'), 'ssl.keyStore.location').connectOptions();
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof TlsStoreError || 'code' in (error as Error))) throw error;
    throw new CommandError((error as Error).message, ExitCode.usage);
  }
}
