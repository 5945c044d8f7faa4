// A program that starts a cluster and is then killed from outside, or forgets to close it.
import { LocalCluster } from 'taskglass/engine';

const cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1, dashboard: false });
const client = cluster.client();
client.submit(() => {
  for (;;);
});
console.log(JSON.stringify(cluster.workers.map((worker) => worker.pid)));
