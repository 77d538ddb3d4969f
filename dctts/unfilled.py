"""Networks whose weights are read from a file: what they would be filled with first is work for nothing."""

from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


class Unfilled(TorchFunctionMode):
    """Leave new weights as memory holds them, or as places without memory: a third of a second less for a voice.

    On the meta device a random fill does nothing but import PyTorch's compiler: more than a second.
    """

    _FILLING = frozenset(
        {
            nn.init.normal_,
            nn.init.uniform_,
            nn.init.kaiming_normal_,
            nn.init.kaiming_uniform_,
            Tensor.normal_,
            Tensor.uniform_,
        }
    )

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return (args[0] if args else (kwargs or {})["tensor"]) if func in self._FILLING else func(*args, **kwargs or {})
