// What an ssh would run on another machine: joins its standard input and output with the socket named by its argument.
import { connect } from "node:net";

const socket = connect({ path: process.argv[2], allowHalfOpen: true });
process.stdin.pipe(socket);
socket.pipe(process.stdout);
for (const stream of [socket, process.stdin, process.stdout]) stream.on("error", () => process.exit(0));
