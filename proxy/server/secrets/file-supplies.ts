// Supplies secrets that stand in files: those whose parts a configuration names one by one, and
// those that a file of resources holds (SDS by path). Both are read again when something changes
// in the directories that count, whole or not at all.
import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Any } from '@bufbuild/protobuf/wkt';
import {
  type Secret,
  SecretSchema,
} from '../../api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import { apiRegistry } from '../../api/registry.ts';
import type { Logger } from '../../base/log.ts';
import { readDiscoveryFile } from '../../config/read-discovery.ts';
import { openAny } from '../../config/schema/open-any.ts';
import { DirectoryWatch } from '../directory-watch.ts';
import type { Supply, SupplySink } from '../need-keeper.ts';
import {
  MAX_SECRET_FILE_BYTES,
  type ReadSecretFile,
  watchedDirectoriesOf,
  withFiles,
} from './secret-document.ts';

/** What supplies from files count; cells of `sds.<name>.`. */
export interface SupplyCounters {
  onAttempt(): void;
  onSuccess(version: string): void;
  /** A file cannot be read. */
  onFailure(): void;
  /** What the files say cannot be used. */
  onRejected(): void;
}

/** How a supply is made. */
export interface FileSupplyParts {
  /** What the author calls it. */
  readonly name: string;
  readonly sink: SupplySink<Secret>;
  readonly counters: SupplyCounters;
  readonly log: Logger;
}

/** A secret that stands in the configuration and names files, or a static one. */
export class DocumentSupply implements Supply {
  readonly #parts: FileSupplyParts;
  #secret: Secret;
  #watches: readonly DirectoryWatch[] = [];
  #version: string;
  #last = '';

  /** Reads it at once. `version`: that of the text that names the files. */
  constructor(secret: Secret, version: string, parts: FileSupplyParts) {
    this.#parts = parts;
    this.#secret = secret;
    this.#version = version;
    this.#follow();
    this.#refresh();
  }

  /** Another text of the same secret. */
  replace(secret: Secret, version: string): void {
    this.close();
    this.#secret = secret;
    this.#version = version;
    this.#follow();
    this.#refresh();
  }

  close(): void {
    for (const watch of this.#watches) watch.close();
    this.#watches = [];
  }

  /** Reads the files again; nothing happens when they say what they said. */
  #refresh(): void {
    const { sink, counters, log, name } = this.#parts;
    counters.onAttempt();
    const read = withFiles(this.#secret, readSecretFile);
    if ('error' in read) {
      counters.onFailure();
      log.log('warning', `secret '${name}' stays as it was: ${read.error}`);
      return;
    }
    const content = JSON.stringify(read.secret, asText);
    if (content === this.#last) return;
    const refusal = sink.onValue(read.secret, this.#version);
    if (refusal === '') {
      if (this.#last !== '') log.log('info', `secret '${name}' changed and is in use`);
      this.#last = content;
      counters.onSuccess(this.#version);
      return;
    }
    counters.onRejected();
    log.log('warning', `secret '${name}' stays as it was: ${refusal}`);
  }

  #follow(): void {
    const { log } = this.#parts;
    this.#watches = watchedDirectoriesOf(this.#secret).map(
      (directory) => new DirectoryWatch(directory, log, () => this.#refresh()),
    );
  }
}

/** A file of secrets, for all who want one of them. */
export class SecretFile {
  readonly #path: string;
  readonly #log: Logger;
  readonly #watch: DirectoryWatch;
  readonly #supplies = new Map<string, Wanted>();
  #secrets: ReadonlyMap<string, Secret> = new Map();
  #version = '';

  /** `directory`: what is watched; '' for the file's own. */
  constructor(path: string, directory: string, log: Logger) {
    this.#path = path;
    this.#log = log;
    const watched = directory === '' ? dirname(path) : directory;
    this.#watch = new DirectoryWatch(watched, log, () => this.#refresh());
    this.#read();
  }

  get isUnused(): boolean {
    return this.#supplies.size === 0;
  }

  /** Supplies one of its secrets as long as it is there. */
  open(parts: FileSupplyParts): Supply {
    const wanted: Wanted = { parts, supply: null };
    this.#supplies.set(parts.name, wanted);
    this.#supply(wanted);
    return {
      close: () => {
        wanted.supply?.close();
        this.#supplies.delete(parts.name);
      },
    };
  }

  close(): void {
    this.#watch.close();
  }

  #refresh(): void {
    if (!this.#read()) return;
    for (const wanted of this.#supplies.values()) this.#supply(wanted);
  }

  /** False: it cannot be used; what was read before stays. */
  #read(): boolean {
    const content = readSecretFile(this.#path);
    if ('error' in content) {
      this.#refuse(content.error);
      for (const { parts } of this.#supplies.values()) parts.counters.onFailure();
      return false;
    }
    const file = readDiscoveryFile({ name: this.#path, content });
    const secrets = file.ok ? secretsOf(file.resources) : null;
    if (secrets === null) {
      this.#refuse(file.ok ? 'it holds other resources than secrets' : file.report);
      for (const { parts } of this.#supplies.values()) parts.counters.onRejected();
      return false;
    }
    this.#secrets = secrets;
    this.#version = file.ok ? file.version : '';
    return true;
  }

  #refuse(reason: string): void {
    this.#log.log('error', `secrets of ${this.#path} stay as they were: ${reason}`);
  }

  #supply(wanted: Wanted): void {
    const secret = this.#secrets.get(wanted.parts.name);
    if (secret === undefined) return;
    if (wanted.supply === null)
      wanted.supply = new DocumentSupply(secret, this.#version, wanted.parts);
    else wanted.supply.replace(secret, this.#version);
  }
}

interface Wanted {
  readonly parts: FileSupplyParts;
  supply: DocumentSupply | null;
}

/** By name; null when something else is among them. */
function secretsOf(resources: readonly Any[]): ReadonlyMap<string, Secret> | null {
  const secrets = new Map<string, Secret>();
  for (const any of resources) {
    const content = openAny(any, apiRegistry);
    if (content === null || content.schema.typeName !== SecretSchema.typeName) return null;
    const secret = content.message as Secret;
    secrets.set(secret.name, secret);
  }
  return secrets;
}

const readSecretFile: ReadSecretFile = (path) => {
  try {
    if (!statSync(path).isFile()) return { error: `${path} is no regular file` };
    const content = readFileSync(path);
    const isTooLarge = content.length > MAX_SECRET_FILE_BYTES;
    return isTooLarge
      ? { error: `${path} is larger than ${MAX_SECRET_FILE_BYTES} bytes` }
      : content;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { error: `${path} cannot be read: ${code ?? String(error)}` };
  }
};

/** Octets as text, so that two messages can be compared. */
function asText(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;
}
