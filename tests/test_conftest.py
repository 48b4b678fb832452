import os
import socket

import pytest


def test_a_test_cannot_reach_beyond_loopback():
    with socket.socket() as s, pytest.raises(pytest.fail.Exception, match="only loopback"):
        s.connect(("192.0.2.1", 80))


def test_a_test_cannot_look_up_a_name():
    with pytest.raises(pytest.fail.Exception, match=r"example\.com"):
        socket.getaddrinfo("example.com", 443)


def test_a_test_can_talk_to_itself():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_a_test_has_no_credentials_and_a_work_folder_of_its_own(work):
    assert not [name for name in os.environ if name.startswith("SINCH_")]
    assert os.environ["SINCHTOOLS_HOME"] == str(work)
