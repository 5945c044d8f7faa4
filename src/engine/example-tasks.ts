/** The functions of the example computation. Exported from a module, they run in any worker as they are. */

/** Up to a tenth of a second, like the `sleep(random.random() / 10)` of the original. */
function sleep(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 100));
}

export async function inc(x: number): Promise<number> {
  await sleep();
  return x + 1;
}

export async function dec(x: number): Promise<number> {
  await sleep();
  return x - 1;
}

export async function add(x: number, y: number): Promise<number> {
  await sleep();
  return x + y;
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
