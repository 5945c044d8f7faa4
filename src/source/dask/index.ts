/** `taskglass/dask`: watching a Dask scheduler, and calling its handlers. */
export { type DaskAddress, parseAddress } from './comm/address.ts';
export { Comm, type ConnectOptions, connect } from './comm/comm.ts';
export { deserialize } from './comm/deserialize.ts';
export { type DaskValue, Pickled, PyEnum, Serialized } from './comm/message.ts';
export { type CallOptions, Rpc } from './comm/rpc.ts';
export type { TlsOptions } from './comm/tls.ts';
export { DaskSource, type DaskSourceOptions } from './dask-source.ts';
export type { SchedulerAddress } from './scheduler-file.ts';
