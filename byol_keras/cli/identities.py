"""`byol-keras identities`."""

from .arguments import command


def add_to(commands):
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "identities",
        _run,
        "list whose images some folds of a pairs file show, for pretrain --leave-out",
        "identities --pairs lfw/pairs.txt --folds 6-10 --out held-out.txt",
    )
    add.add_argument("--pairs", metavar="FILE", required=True, help="LFW's pairs.txt, or a CSV: fold,a,b,same")
    add.add_argument("--folds", metavar="N", required=True, help="such as 6-10 or 1,3")
    add.add_argument("--out", metavar="FILE", required=True, help="a text file, one folder of images a line")


def _run(options):
    from ..tasks.verification.dataset import fold_numbers, read_pairs
    from ..utils.atomic import atomic_path

    names = sorted(read_pairs(options.pairs).in_folds(fold_numbers(options.folds)).identities())
    with atomic_path(options.out) as path:
        path.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    print(
        f"{len(names):,} identities written to {options.out}\nNext: byol-keras pretrain --leave-out {options.out} ..."
    )
