import type { DataFile } from './data-file.js';
import type { Staging } from './staging.js';

/** What is known of a staging before its code is there. */
export type StagingDeclaration = Pick<Staging, 'name' | 'schemes' | 'capabilities' | 'isHere'>;

/**
 * A staging, chosen by scheme alone, whose code is loaded by its first request: what it takes to talk to servers is most
 * of what a worker would load, and most never do. What `open` throws, every request rejects with.
 */
export function lazyStaging(declared: StagingDeclaration, open: () => Promise<Staging>): Staging {
  let opened: Promise<Staging> | undefined;
  const staging = (): Promise<Staging> => {
    opened ??= open();
    return opened;
  };
  const { name, schemes, capabilities, isHere } = declared;
  const isOurs = ({ scheme }: DataFile): boolean => schemes.includes(scheme);
  return {
    name,
    schemes,
    capabilities,
    canStageIn: isOurs,
    canStageOut: (file) => capabilities.stageOut && isOurs(file),
    ...(isHere !== undefined && { isHere }),
    stageIn: async (...request) => (await staging()).stageIn(...request),
    stageOut: async (...request) => (await staging()).stageOut(...request),
    identity: async (...request) => (await staging()).identity(...request),
    ...(capabilities.list && {
      async *list(...request: Parameters<NonNullable<Staging['list']>>) {
        yield* (await staging()).list?.(...request) ?? [];
      },
    }),
    ...(capabilities.remove && {
      remove: async (...request: Parameters<NonNullable<Staging['remove']>>) => (await staging()).remove?.(...request),
    }),
    async close() {
      const ended = await opened?.catch(() => undefined);
      await ended?.close();
    },
  };
}
