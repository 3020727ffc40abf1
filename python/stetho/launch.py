"""Runs a script as ``python script.py`` would, watched."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import shutil
import signal
import sys
import types

from stetho import instrument, ranks, spawning
from stetho.code import Recorder
from stetho.folder import clear
from stetho.options import Options, as_share, default_folder
from stetho.session import Session

_HERE = os.path.dirname(os.path.realpath(__file__))
_PARSER = os.path.realpath(ast.__file__)


def run(request: dict) -> int:
    """Runs the script of a request; the exit status."""
    is_module = "module" in request
    script = request["module"] if is_module else request["script"]
    if is_module:
        if sys.path[:1] != [os.getcwd()]:
            sys.path.insert(0, os.getcwd())
        path = _module_path(script)
        if path is None:
            return _fail(f"there is no module `{script}` to run")
    else:
        path = os.path.abspath(script)
        if os.path.isdir(path):
            path = os.path.join(path, "__main__.py")
            if not os.path.isfile(path):
                return _fail(f"cannot run the folder `{script}`: it holds no `__main__.py`")
        if not os.path.isfile(path):
            return _fail(f"cannot open `{script}`: there is no such file")
        sys.path[0:1] = [os.path.dirname(path)]
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        return _fail(f"cannot read `{script}`: {error.strerror}")
    options = options_of(request, path)
    if options.contract is not None:
        from stetho.contracts import ContractError, loaders

        try:
            loaders.prepare(options)
        except ContractError as error:
            return _fail(str(error))
    folder = options.folder
    try:
        os.makedirs(folder, exist_ok=True)
        if not ranks.number():
            clear(folder)
        ranks.clear(folder)
    except OSError as error:
        return _fail(f"cannot make the run directory `{folder}`: {error.strerror}; choose another with --dir")
    return _watched(Session(options, log_in(folder)), path, source, is_module, script, request)


def replay(request: dict) -> int:
    """Runs the step of a bundle again; the exit status."""
    from stetho import bundle

    try:
        meta, folder = bundle.read(request["bundle"])
        path = meta["script"]
        if not os.path.isfile(path):
            return _fail(f"the script of the bundle, `{path}`, is not there; a bundle holds the state of a step, not the program")
        with open(path, "rb") as file:
            source = file.read()
        if hashlib.sha256(source).hexdigest() != meta["source"]:
            print(f"stetho: `{path}` has changed since the step was saved; lines may have moved", file=sys.stderr)
        try:
            import torch
        except ImportError:
            return _fail("a bundle is replayed with PyTorch, which this Python does not have: pip install torch")
        state = bundle.load(torch, folder)
    except bundle.BundleError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"cannot read the bundle: {error}")
    if os.path.isdir(meta["directory"]):
        os.chdir(meta["directory"])
    sys.path[0:1] = [os.path.dirname(path)]
    torch.set_num_threads(meta["versions"]["threads"])
    request.setdefault("args", meta["arguments"])
    options = options_of(request, path)
    options.folder = os.path.join(folder, "replay")
    options.on_trap = "debug" if request.get("options", {}).get("pdb") else "stop"
    options.debugger = request.get("options", {}).get("debugger") or "pdb"
    shutil.rmtree(options.folder, ignore_errors=True)
    try:
        os.makedirs(options.folder, exist_ok=True)
        session = Session(options, log_in(options.folder))
    except OSError as error:
        return _fail(f"cannot write beside the bundle: {error}")
    session.replaying = (meta, state)
    return _watched(session, path, source, False, path, request)


def _watched(session: Session, path: str, source: bytes, is_module: bool, script: str, request: dict) -> int:
    """Runs the script as `__main__`, its steps attemptable."""
    sys.argv = [path if is_module else script, *request.get("args", [])]
    return _execute(session, path, source, prepare(session, path, request), is_module, script, request)


def prepare(session: Session, path: str, request: dict):
    """Makes all ready for the script to be run; gives what compiles it."""
    options = session.options
    extra = frozenset(session.replaying[1]["values"]) if session.replaying else frozenset()
    if session.replaying is None:
        session.code = Recorder(session, keeps_counts=bool(request.get("options", {}).get("branches")))
    trees = instrument.own_trees(path, options.roots)
    reach = instrument.Reach(trees)

    def compile_source(text, where):
        return instrument.compile_user(text, where, reach, session.sites, extra, session.code)

    _install(session, options, compile_source, request)
    return compile_source


def options_of(request: dict, path: str) -> Options:
    """What a request asks for, of a script."""
    given = request.get("options", {})
    roots = tuple(dict.fromkeys(os.path.realpath(p) for p in (os.path.dirname(path), os.getcwd())))
    return Options(
        folder=os.path.abspath(given.get("dir") or default_folder(path)),
        budget=as_share(0.02 if given.get("budget") is None else given["budget"]),
        on_trap=given.get("on_trap") or "stop",
        breaks=list(given.get("break") or []),
        debugger=given.get("debugger") or "pdb",
        roots=roots,
        script=path,
        preflight=given.get("preflight"),
        contract=given.get("contract"),
    )


def log_in(folder: str):
    """The log in a run directory; None, said once, where there can be none."""
    from stetho import _core

    try:
        return _core.RunLog(folder)
    except OSError as error:
        print(f"stetho: cannot write the run log: {error}", file=sys.stderr)
        return None


def _module_path(name: str) -> str | None:
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(name + ".__main__")
    except (ImportError, ValueError):
        return None
    return spec.origin if spec is not None else None


def _install(session: Session, options: Options, compile_source, request: dict) -> None:
    instrument.publish(session)

    def torch_is_here(torch) -> None:
        try:
            from stetho import hooks, probes

            hooks.install(torch, session)
            if session.replaying is None:
                spawning.install(session, request)
            session.probes = probes.Probes(session)
            if options.preflight is not None:
                from stetho.preflight import Preflight

                session.preflight = Preflight(options.preflight)
            if options.breaks or options.on_trap == "debug":
                from stetho.debugger import Debugger

                session.debugger = Debugger(session)
            loader = sys.modules.get("torch.utils.data.dataloader")
            if loader is not None:
                loader_is_here(loader)
        except Exception:
            session.failed("listening to PyTorch")
        if session.code is not None:
            session.code.torch_is_here(torch)

    def loader_is_here(module) -> None:
        if session.torch is not None and not session.is_off:
            session.batches.patch(module, session)
            if options.contract is not None:
                from stetho.contracts import loaders

                loaders.patch(module, session)

    from stetho import adapters

    after = {"torch": torch_is_here, "torch.utils.data.dataloader": loader_is_here, **adapters.waiting(session)}
    if "torch" in sys.modules:
        torch_is_here(sys.modules["torch"])
        after = adapters.waiting(session)
    if session.code is not None:
        after.update(session.code.after_import())
    sys.meta_path.insert(0, instrument.Finder(options.roots, compile_source, after))


def _execute(session, path: str, source: bytes, compile_source, is_module: bool, script: str, request: dict) -> int:
    from stetho import ending

    main = types.ModuleType("__main__")
    main.__file__ = path
    main.__builtins__ = __builtins__
    main.__dict__["__cached__"] = None
    if is_module:
        spec = importlib.util.find_spec(script)
        main.__spec__ = spec
        main.__package__ = script.rpartition(".")[0] if spec is None or spec.submodule_search_locations is None else script
    else:
        main.__spec__ = None
        main.__package__ = None
        main.__loader__ = None
    ours = sys.modules["__main__"]
    sys.modules["__main__"] = main
    sys.modules["__stetho_main__"] = ours
    status = 0
    interrupted = False
    try:
        code = compile_source(source, path)
        exec(code, main.__dict__)
    except SystemExit as error:
        session.left_by = error
        status = _exit_status(error)
    except KeyboardInterrupt as error:
        _show(error)
        interrupted = True
        status = 130
    except BaseException as error:
        session.left_by = error
        _show(error)
        status = 1
    _flush()
    status = ending.finish(session, request, status)
    if interrupted:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    return status


def _exit_status(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    print(error.code, file=sys.stderr)
    return 1


def without_us(trace):
    """A traceback without the frames that are ours, nor those of the parser that we called."""
    kept = []
    while trace is not None:
        file = os.path.realpath(trace.tb_frame.f_code.co_filename)
        if not file.startswith(_HERE + os.sep) and file != _PARSER:
            kept.append(trace)
        trace = trace.tb_next
    # Where an exception was raised again, the frame that it comes through stands there twice.
    kept = [e for e, after in zip(kept, [*kept[1:], None]) if after is None or e.tb_frame is not after.tb_frame]
    result = None
    for entry in reversed(kept):
        result = types.TracebackType(result, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return result


def _show(error: BaseException) -> None:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        link.__traceback__ = without_us(link.__traceback__)
        link = link.__cause__ or link.__context__
    _flush()
    sys.excepthook(type(error), error, error.__traceback__)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass


def _fail(what: str) -> int:
    print(f"error: {what}", file=sys.stderr)
    return 2
