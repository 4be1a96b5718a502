// Secrets for what the primary connects to by itself, as workers have them for their connections.
import type { ResourceUpdate } from '../../model/resource.ts';
import type { SecretHub } from '../../tls/secret-hub.ts';
import type { Configuration } from '../configuration.ts';

/** A change serves: brings the hub up to date with it. */
export function serveSecrets(
  hub: SecretHub,
  configuration: Pick<Configuration, 'secretValue'>,
  { upserted, removed }: ResourceUpdate,
): void {
  for (const { kind, name } of upserted) {
    const value = kind === 'secret' ? configuration.secretValue(name) : null;
    if (value !== null) hub.set(name, value);
  }
  for (const { kind, name } of removed) if (kind === 'secret') hub.remove(name);
}
