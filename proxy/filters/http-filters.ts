// Every HTTP filter there is. A new one is a file in http/ and a line here.
import type { FilterDefinition } from '../model/extension.ts';
import { routerDefinition } from './http/router.ts';

/** In no particular order. */
export const HTTP_FILTERS = [routerDefinition] as unknown as readonly FilterDefinition[];
