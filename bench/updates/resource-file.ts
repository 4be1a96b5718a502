// A mesh as files of resources, replaced as Envoy expects it: by a rename.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, toBinary, toJsonString } from '@bufbuild/protobuf';
import { DiscoveryResponseSchema } from '../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { apiRegistry } from '../../proxy/api/registry.ts';
import type { Mesh } from './mesh.ts';

/** How files are written. */
export type FileForm = 'pb' | 'json';

/** The files of one proxy. */
export class ResourceFiles {
  readonly clusters: string;
  readonly endpoints: string;
  readonly #form: FileForm;
  #versions = 0;

  constructor(folder: string, form: FileForm) {
    this.#form = form;
    this.clusters = join(folder, `clusters.${form}`);
    this.endpoints = join(folder, `endpoints.${form}`);
  }

  write(mesh: Mesh, part: 'cluster' | 'endpoints'): void {
    this.#versions += 1;
    const resources = mesh.clusters.map((each) => each[part]);
    const versionInfo = String(this.#versions);
    const message = create(DiscoveryResponseSchema, { versionInfo, resources });
    const path = part === 'cluster' ? this.clusters : this.endpoints;
    const content =
      this.#form === 'pb'
        ? toBinary(DiscoveryResponseSchema, message)
        : toJsonString(DiscoveryResponseSchema, message, { registry: apiRegistry });
    writeFileSync(`${path}.next`, content);
    renameSync(`${path}.next`, path);
  }
}
