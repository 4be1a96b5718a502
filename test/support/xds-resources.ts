// Resources as a discovery server has them, without files: small messages whose content is a number.
import { create, type DescMessage } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { apiRegistry } from '../../proxy/api/registry.ts';
import {
  contentVersion,
  makeSnapshot,
  type ServedResource,
  type Snapshot,
} from '../../proxy/discovery-server/snapshot.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';

type Kind = keyof typeof TYPE_URLS;

/** How a number is written into a resource of each type, so that another one is another content. */
const FIELDS: Partial<Record<Kind, (content: number) => object>> = {
  cluster: (content) => ({ altStatName: `${content}` }),
  listener: (content) => ({ statPrefix: `${content}` }),
  route: (content) => ({ requestHeadersToRemove: [`${content}`] }),
};

/** A resource; endpoints and routes that it refers to by name make it one that warms. */
export function served(
  kind: Kind,
  name: string,
  content = 0,
  references: ServedResource['references'] = [],
): ServedResource {
  const typeUrl = TYPE_URLS[kind];
  const schema = apiRegistry.getMessage(typeUrl.slice(typeUrl.indexOf('/') + 1)) as DescMessage;
  const ownName = kind === 'endpoint' ? { clusterName: name } : { name };
  const any = anyPack(schema, create(schema, { ...ownName, ...FIELDS[kind]?.(content) }));
  return {
    typeUrl,
    name,
    version: contentVersion(any, null),
    content: any,
    ttlMs: null,
    references,
  };
}

/** A snapshot of `kind name content` lines, such as `cluster a 1`. */
export function snapshotOf(...lines: readonly string[]): Snapshot {
  return makeSnapshot(
    lines.map((line) => {
      const [kind = '', name = '', content = '0'] = line.split(' ');
      return served(kind as Kind, name, Number(content));
    }),
  );
}
