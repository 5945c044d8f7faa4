import type { FunctionsView } from './functions-query.ts';

/** What an area of the stream holds, with the shares of what filled it. An area without rows is not idle: nothing could have happened. */
export function areaOf(view: FunctionsView) {
  const { wall, idle, totals } = view;
  const share = (of: number): number => (wall > 0 ? of / wall : 0);
  return {
    ...view,
    shares: {
      compute: share(totals.compute),
      erred: share(totals.erred),
      lost: share(totals.lost),
      transfer: share(totals.transfer),
      disk: share(totals.disk),
      deserialize: share(totals.deserialize),
      idle: share(idle),
    },
  };
}
