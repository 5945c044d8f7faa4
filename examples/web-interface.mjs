// @ts-check
/**
 * The computation whose trace the pages show: a hundred times inc and dec, their sums, and one sum of it all.
 * On the embedded engine, with plain Node 20 or newer: node examples/web-interface.mjs
 * It prints where the pages are, like http://127.0.0.1:8787/status; in a terminal they stay until you press Enter.
 */
import { once } from 'node:events';
import { Client, LocalCluster } from 'taskglass/engine';

/** @param {number} x */
async function inc(x) {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 100));
  return x + 1;
}

/** @param {number} x */
async function dec(x) {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 100));
  return x - 1;
}

/**
 * @param {number} x
 * @param {number} y
 */
async function add(x, y) {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 100));
  return x + y;
}

/** @param {number[]} numbers */
function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

const cluster = await LocalCluster.start();
try {
  const client = new Client(cluster);

  const incs = client.map(inc, Array(100).keys());
  const decs = client.map(dec, Array(100).keys());
  const adds = client.map(add, incs, decs);
  const total = client.submit(sum, adds);

  for (const future of [...incs, ...decs, ...adds]) future.release();
  console.log(await total.result());

  if (process.stdin.isTTY) {
    console.log(`Look at ${client.dashboardLink}, then press Enter.`);
    await once(process.stdin, 'data');
    process.stdin.pause();
  }
} finally {
  await cluster.close();
}
