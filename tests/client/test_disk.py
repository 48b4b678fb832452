"""A log on a network is read and used in the sandbox; nothing is sent to the vendor through it."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sinchtools as st
from sinchtools.client import disk
from sinchtools.client.disk import disk_of
from sinchtools.core.errors import NotAllowedError
from sinchtools.core.records import Exchange
from sinchtools.core.settings import share_folder
from tests.support.vendor import PLAN, Vendor

URL = f"https://us.sms.api.sinch.com/xms/v1/{PLAN}/batches"
HEADERS = {"Authorization": "Bearer [secret opaque 32 #1]", "Content-Type": "application/json"}
SEND = Exchange(
    id="a",
    method="POST",
    url=URL,
    request_headers=HEADERS,
    request_body='{"from": "Example", "to": ["15551230001"], "body": "Hi"}',
    status=400,
)
ROOT = "/dev/vda1 / ext4 rw,relatime 0 0"


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that says what is mounted."""
    path = tmp_path / "mounts"
    monkeypatch.setattr(disk, "MOUNTS", path)
    return lambda *lines: path.write_text("\n".join([ROOT, *lines, ""]))


def on_a_network(mounts: Any, work: Any) -> None:
    mounts(f"files:/export {work} nfs4 rw 0 0")


# --- which disk -----------------------------------------------------------------------------------

TABLE = tomllib.loads((share_folder("data/catalogue") / "file_systems.toml").read_text())
NETWORK = [kind for row in TABLE["network"] for kind in row["types"]]


@pytest.mark.parametrize("kind", NETWORK)
def test_a_type_of_the_table_is_a_network_and_has_words(mounts: Any, kind: Any) -> None:
    mounts(f"x /home {kind} rw 0 0")
    found = disk_of(Path("/home/anna/work"))
    assert found.network and found.is_known and not disk_of(Path("/homes")).network


def test_no_type_is_in_the_table_twice_and_each_row_has_a_source() -> None:
    kinds = [*TABLE["local"], *NETWORK]
    assert len(kinds) == len({*kinds})
    assert all(row["name"] and row["source"] for row in TABLE["network"])


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ([], "ext4"),
        (["srv:/h /home nfs rw 0 0"], "nfs"),
        (["srv:/h /home nfs rw 0 0", "/dev/sdb /home/anna xfs rw 0 0"], "xfs"),
        (["/dev/sdb /home/anna xfs rw 0 0", "srv:/h /home nfs rw 0 0"], "xfs"),
        (["/dev/sdb /home xfs rw 0 0", "srv:/h /home nfs rw 0 0"], "nfs"),  # one over the other
        (["srv:/h /home nfs rw 0 0", "/dev/sdb /home xfs rw 0 0"], "xfs"),
        (["srv:/h /home/ann nfs rw 0 0"], "ext4"),  # part of a name is no folder above it
        (["srv:/h /home/anna/work nfs rw 0 0"], "nfs"),
        (["srv:/h /home/anna/work/deeper nfs rw 0 0"], "ext4"),
        (["half a", "", "srv:/h /home nfs rw 0 0"], "nfs"),
    ],
)
def test_the_deepest_mount_above_a_folder_counts_and_the_last_of_these(
    mounts: Any, lines: Any, kind: str
) -> None:
    mounts(*lines)
    assert disk_of(Path("/home/anna/work")).kind == kind


@pytest.mark.parametrize(
    ("written", "folder"),
    [
        (r"/team\040drive", "/team drive"),
        (r"/a\011b", "/a\tb"),
        (r"/a\134b", r"/a\b"),
        (r"/a\134040b", r"/a\040b"),
        ("/Übersicht", "/Übersicht"),
    ],
)
def test_the_escapes_of_a_mount_are_read(mounts: Any, written: str, folder: str) -> None:
    mounts(f"srv:/x {written} nfs rw 0 0")
    assert disk_of(Path(folder) / "work").kind == "nfs"
    assert disk_of(Path(written) / "work").kind == ("nfs" if written == folder else "ext4")


def test_links_are_followed_before_the_mount_is_looked_up(mounts: Any, tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    (tmp_path / "here").symlink_to(tmp_path / "share")
    mounts(f"//srv/x {tmp_path}/share cifs rw 0 0")
    assert disk_of(tmp_path / "here" / "work").kind == "cifs"


@pytest.mark.parametrize(
    ("device", "kind", "is_network", "is_known"),
    [
        ("srv:/x", "newfs", True, True),
        ("//srv/x", "newfs", True, True),
        ("[fe80::1]:/x", "newfs", True, True),
        ("user@srv:", "newfs", True, True),
        ("/dev/sdb", "newfs", False, False),
        ("/dev/mapper/a:b", "newfs", False, False),
        ("newfs", "newfs", False, False),
        ("tank:a/home", "zfs", False, True),
        ("x", "fuse.newfs", True, False),
        ("x", "fuse", True, False),
        ("x", "fuse.gocryptfs", False, True),
        ("/dev/sdb", "fuseblk", False, True),
    ],
)
def test_a_type_of_no_table_is_judged_by_its_device(
    mounts: Any, device: str, kind: str, is_network: bool, is_known: bool
) -> None:
    mounts(f"{device} /home {kind} rw 0 0")
    found = disk_of(Path("/home/x"))
    assert (bool(found.network), found.is_known) == (is_network, is_known)


def test_where_the_system_does_not_say_nothing_is_claimed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(disk, "MOUNTS", tmp_path / "no-such-file")
    assert disk_of(tmp_path) == disk.Disk()


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["dry-run", "live"])
def test_a_replay_to_the_vendor_is_refused_on_a_network(
    vendor: Vendor, work: Path, mounts: Any, target: str
) -> None:
    on_a_network(mounts, work)
    with pytest.raises(NotAllowedError, match=r"on a network \(NFS\)") as refused:
        st.plan(SEND, target=target)
    assert "SINCHTOOLS_HOME" in str(refused.value) and vendor.requests == []


def test_a_log_elsewhere_does_not_help_a_work_folder_on_a_network_nor_the_reverse(
    vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mounts: Any
) -> None:
    for folder in ("far", "near"):
        (tmp_path / folder).mkdir(mode=0o700)
    mounts(f"srv:/x {tmp_path}/far nfs rw 0 0")
    for home, log in (("far", "near"), ("near", "far"), ("far", "far")):
        monkeypatch.setenv("SINCHTOOLS_HOME", str(tmp_path / home))
        with (
            st.CallLog(tmp_path / log / "calls.sqlite") as kept,
            pytest.raises(NotAllowedError, match="on a network"),
        ):
            st.plan(SEND, target="live", log=kept)


def test_a_plan_that_was_made_before_the_folder_moved_sends_nothing(
    vendor: Vendor, work: Path, mounts: Any
) -> None:
    mounts()
    made = st.plan(SEND, target="live")
    on_a_network(mounts, work)
    with pytest.raises(NotAllowedError, match="on a network"):
        made.run(confirm=made.effect)
    assert vendor.requests == []
    mounts()
    made.run(confirm=made.effect)
    assert len(vendor.sends) == 1


def test_a_live_client_on_a_network_reads_and_sends_nothing(
    vendor: Vendor, work: Path, mounts: Any
) -> None:
    on_a_network(mounts, work)
    client = st.connect("live")
    batch = {"from": "Example", "to": ["15551230001"], "body": "Hi"}
    for call in (client.batches.send, client.batches.dry_run):
        with pytest.raises(NotAllowedError, match="on a network"):
            call(batch)
    assert client.batches.list().status == 200
    assert vendor.sends == []


def test_reading_and_the_sandbox_go_on_on_a_network(work: Path, mounts: Any) -> None:
    on_a_network(mounts, work)
    case = st.Case("4711", "HTTP/1.1 415 Unsupported Media Type")
    (result,) = st.replay(SEND, log=case.log)
    assert (len(case.evidence), result.child is not None) == (1, True)
    assert not [*case.folder.glob("*-wal")]
    assert not case.log.verify()


def test_a_log_that_is_open_elsewhere_stays_usable_when_its_folder_is_on_a_network(
    work: Path, mounts: Any
) -> None:
    mounts()
    with st.CallLog(work / "calls.sqlite") as first:
        first.add([SEND])
        on_a_network(mounts, work)
        with st.CallLog(work / "calls.sqlite") as second:
            assert len(second) == 1


# --- the doctor -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "allow", "state", "words"),
    [
        ("/dev/sdb {} xfs rw 0 0", "live", "ok", "local (xfs)"),
        ("srv:/x {} nfs rw 0 0", "", "look", "dry-run and live are refused"),
        ("srv:/x {} nfs rw 0 0", "live", "wrong", "on a local disk"),
        ("x {} newfs rw 0 0", "", "ok", "newfs is unknown"),
        ("x {} newfs rw 0 0", "live", "look", "make sure"),
    ],
)
def test_the_doctor_says_it(
    work: Path, mounts: Any, line: str, allow: str, state: str, words: str
) -> None:
    mounts(line.format(work))
    (check,) = (one for one in st.doctor({"SINCHTOOLS_ALLOW": allow}) if one.name == "disk")
    assert check.state == state and words in f"{check.says} {check.then}"


# --- a real one -----------------------------------------------------------------------------------


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Any]:
    """Return a folder on a real SSHFS mount, whose far side is this machine, without a network."""
    server = Path("/usr/lib/openssh/sftp-server")
    if not (shutil.which("sshfs") and server.exists() and os.access("/dev/fuse", os.R_OK)):
        pytest.skip("sshfs, sftp-server and FUSE are not all here")
    ssh, far, near = tmp_path / "ssh", tmp_path / "far side", tmp_path / "near side"
    ssh.write_text(f"#!/bin/sh\nexec {server}\n")
    ssh.chmod(0o700)
    for folder in (far, near):
        folder.mkdir(mode=0o700)
    subprocess.run(["sshfs", "-o", f"ssh_command={ssh}", f"host:{far}", near], check=True)
    yield near
    subprocess.run(["fusermount3", "-u", near], check=True)


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="mounts are another thing there")
def test_a_real_network_mount_is_told_refused_and_usable(
    vendor: Vendor, mounted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = mounted / "work"
    monkeypatch.setenv("SINCHTOOLS_HOME", str(home))
    assert disk_of(home) == disk.Disk(kind="fuse.sshfs", network="SSHFS", is_known=True)
    with pytest.raises(NotAllowedError, match=r"on a network \(SSHFS\)"):
        st.plan(SEND, target="live")
    with st.CallLog() as log:
        (result,) = st.replay(SEND, log=log)
        assert result.child is not None and len(log) > 0
    assert vendor.requests == []
