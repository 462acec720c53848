"""Operations of clerks: reviews and notices."""

from fastapi import APIRouter

from but_gateway.procedures.review import notice_endpoints, review_endpoints

router = APIRouter()
router.include_router(review_endpoints.router)
router.include_router(notice_endpoints.router)
