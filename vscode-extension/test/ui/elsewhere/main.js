/** Has Pillion, and nobody else, believe that it is on another machine. Others choose programs by it, and run them. */

exports.activate = () => {
  const { arch } = process;
  Object.defineProperty(process, "arch", {
    get: () => (new Error().stack.includes("pillion.pillion") ? "riscv64" : arch),
  });
};
