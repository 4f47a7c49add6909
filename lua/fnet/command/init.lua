--- command: what the `fnet` command does beyond running a script. This file says which words are commands; each is
-- a module, a function that takes the arguments (`arg`) and returns whether it succeeded, and perhaps why not.

return {
  check = "fnet.command.check",
  eval = "fnet.command.eval",
  export = "fnet.command.export",
  info = "fnet.command.info",
  init = "fnet.command.experiment",
  launch = "fnet.command.launch",
  run = "fnet.command.run",
}
