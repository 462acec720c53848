"""Operations of clerks: notices."""

from fastapi import APIRouter

from but_gateway.procedures.review import notice_endpoints

router = APIRouter()
router.include_router(notice_endpoints.router)
