"""Plugins that misbehave, each on its own entry point; `tests/conftest.py` installs those that a test asks for.

Entry points (their names are the keys of `ENTRY_POINTS`) and what they do:

========== =========================================================== =============================================
name       contender                                                   what is wrong with it
========== =========================================================== =============================================
raises                                                                 raises on import
exits                                                                  calls sys.exit on import
unknown    (none)                                                      implements a hook that does not exist
nothing    (none)                                                      implements no hook
not-specs  (none)                                                      a hook returns a dictionary among specs
not-a-list (none)                                                      a hook returns a spec and no list
future     (none)                                                      is written for another version of the plugin API
no-version (none)                                                      does not say for which version it is written
duplicate  euler-cpu                                                   declares a name that fhnbench declares too
hangs      hang-hostile[where=prepare|run|output]                      never returns
dies       die-hostile[how=exit|segfault|kill,where=prepare|run]       ends its process
garbage    garbage-hostile[what=shape|dtype|nan|first|list|object]     returns no trajectories
throws     throw-hostile[where=init|prepare|run|output]                raises an exception of its own
probe      probe-hostile                                               its availability probe raises
missing    missing-hostile, absent-hostile                             a package, and its own module, do not exist
prints     print-hostile                                               prints to standard output in every way; correct
command    hostile-command                                             a subcommand, which is correct
========== =========================================================== =============================================
"""

ENTRY_POINTS = {
    "raises": "hostile.raises",
    "exits": "hostile.exits",
    "unknown": "hostile.plugins:UnknownHook",
    "nothing": "hostile.plugins:Nothing",
    "not-specs": "hostile.plugins:NotSpecs",
    "not-a-list": "hostile.plugins:NotAList",
    "future": "hostile.plugins:OfAnotherApi",
    "no-version": "hostile.plugins:OfNoApi",
    "duplicate": "hostile.plugins:Duplicate",
    "hangs": "hostile.plugins:Hangs",
    "dies": "hostile.plugins:Dies",
    "garbage": "hostile.plugins:ReturnsGarbage",
    "throws": "hostile.plugins:Throws",
    "probe": "hostile.plugins:ProbeRaises",
    "missing": "hostile.plugins:Missing",
    "prints": "hostile.plugins:Prints",
    "command": "hostile.plugins:Command",
}
