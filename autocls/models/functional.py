"""Activations that a network calls as functions, made into modules: surgery sees modules only."""

import torch
import torch.nn.functional as F
from torch import fx, nn

INPLACE = (F.relu_, torch.relu_)
RELUS = (F.relu, torch.relu, *INPLACE)


class _OneLevel(fx.Tracer):
    """Traces the code of one module alone: every module below stays one call."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return True


def as_modules(model: nn.Module) -> nn.Module:
    """``model`` with an ``nn.ReLU`` in place of every ReLU that its modules call as a function; same parameters.

    Only the modules that call one are rewritten, each by itself. One whose code runs otherwise in training than in
    evaluation is left as it is, because a traced graph would fix it to one of them.
    """
    for path, module in list(model.named_modules()):
        if path and _may_call_relu(module):
            model.set_submodule(path, _rewritten(module))
    return _rewritten(model) if _may_call_relu(model) else model


def _may_call_relu(module: nn.Module) -> bool:
    """Whether it is worth tracing: code that isn't torch's own (as ``nn.ReLU``'s) and says ``relu``."""
    kind = type(module)
    return not kind.__module__.startswith("torch.nn.") and "relu" in kind.forward.__code__.co_names


def _rewritten(module: nn.Module) -> nn.Module:
    """The module with its functional ReLUs as modules; itself when there are none, or when it can't be rewritten."""
    graph = _traced(module, training=True)
    calls = [node for node in graph.nodes if node.op == "call_function" and node.target in RELUS]
    if not calls or str(graph) != str(_traced(module, training=False)):
        return module
    for i, call in enumerate(calls):
        name = f"functional_relu{i or ''}"
        inplace = call.target in INPLACE or bool(call.kwargs.get("inplace"))
        module.add_module(name, nn.ReLU(inplace))
        with graph.inserting_after(call):
            call.replace_all_uses_with(graph.call_module(name, (call.all_input_nodes[0],)))
        graph.erase_node(call)
    return fx.GraphModule(module, graph, class_name=type(module).__name__).train(module.training)


def _traced(module: nn.Module, *, training: bool) -> fx.Graph:
    was = module.training
    module.training = training  # of this module alone: those below are not entered
    try:
        return _OneLevel().trace(module)
    finally:
        module.training = was
